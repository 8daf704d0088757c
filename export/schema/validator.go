package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Validator checks lines. It is not safe for concurrent use.
type Validator struct {
	schema *jsonschema.Schema
	shaper shaper
	shapes map[kind]*shape
	prints *fingerprints
	valid  map[string]bool // fingerprints of valid lines
	seen   map[string]bool // paths of keys that had a value
	counts map[string]*carried
}

// carried says in how many objects a key was that may have it. Of lines that are alike, only
// the first counts.
type carried struct{ with, without int }

// maxValid and maxPrint bound the fingerprints that a Validator keeps.
const (
	maxValid = 1 << 14
	maxPrint = 1 << 10
)

// New returns a Validator of the schema.
func New() (*Validator, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSON))
	if err != nil {
		return nil, err
	}
	root, err := parse(JSON)
	if err != nil {
		return nil, err
	}
	prints, err := newFingerprints(JSON)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	const name = "events.schema.json"
	if err := c.AddResource(name, doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(name)
	if err != nil {
		return nil, err
	}
	return &Validator{
		schema: compiled, shaper: shaper{root}, shapes: make(map[kind]*shape),
		prints: prints, valid: make(map[string]bool), seen: make(map[string]bool),
		counts: make(map[string]*carried),
	}, nil
}

// Line checks a line, without its end.
func (v *Validator) Line(line []byte) error {
	alike, ok := v.prints.of(line)
	if ok && v.valid[string(alike)] {
		return nil
	}
	if err := v.check(line); err != nil {
		return err
	}
	if ok && len(alike) <= maxPrint {
		if len(v.valid) == maxValid {
			clear(v.valid)
		}
		v.valid[string(alike)] = true
	}
	return nil
}

// check is Line for lines that are like none before.
func (v *Validator) check(line []byte) error {
	if !utf8.Valid(line) {
		return errors.New("not UTF-8")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return err
	}
	if err := v.schema.Validate(value); err != nil {
		return explain(err)
	}
	return v.form(line, kindOf(value.(map[string]any)))
}

// form checks the order of the keys, and how numbers are written.
func (v *Validator) form(line []byte, k kind) error {
	sh := v.shapes[k]
	if sh == nil {
		sh = v.shaper.line(k)
		v.shapes[k] = sh
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	w := walk{dec: dec, seen: v.seen, counts: v.counts}
	_, err := w.value(sh)
	return err
}

func kindOf(line map[string]any) kind {
	k := kind{event: line["event"].(string)}
	for key, event := range map[string]string{"action": k.event, "type": "frame"} {
		if form, ok := line[key].(string); ok && k.event == event {
			k.form = form
		}
	}
	return k
}

// Unseen returns the keys that had no value but null in any line so far, such as
// "exchange.error.class", "conn close.rtt_ms" for a key of one action, or "$module.path"
// for one of the definition of module.
func (v *Validator) Unseen() []string {
	unseen := make(map[string]bool)
	for _, k := range v.shaper.kinds() {
		for _, path := range v.shaper.line(k).paths() {
			if !v.seen[path] {
				unseen[path] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(unseen))
}

// Unrequired returns the keys that every line so far had where the schema allows them, named as
// those of Unseen, but that it does not require. A key that one object alone could have is none.
func (v *Validator) Unrequired() []string {
	required := make(map[string]bool)
	for _, k := range v.shaper.kinds() {
		v.shaper.line(k).each(func(sh *shape) {
			for name := range sh.required {
				required[sh.names[name]] = true
			}
		})
	}
	var list []string
	for path, c := range v.counts {
		if c.without == 0 && c.with > 1 && !required[path] {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list
}
