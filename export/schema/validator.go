package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
}

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
	w := walk{dec: dec, seen: v.seen}
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

// walk reads one line.
type walk struct {
	dec  *json.Decoder
	seen map[string]bool
}

// value reads a value and reports whether it is not null.
func (w *walk) value(sh *shape) (known bool, err error) {
	token, err := w.dec.Token()
	if err != nil {
		return false, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			err = w.object(sh)
		} else {
			for err == nil && w.dec.More() {
				_, err = w.value(sh.items)
			}
		}
		if err != nil {
			return false, err
		}
		_, err = w.dec.Token()
	case json.Number:
		if sh != nil && sh.ms && !threeDecimals(t.String()) {
			return false, fmt.Errorf("%s is not milliseconds with three decimals", t)
		}
	case nil:
		return false, nil
	}
	return true, err
}

// object reads what follows the brace of an object. A key may be followed by its exact
// bytes.
func (w *walk) object(sh *shape) error {
	last, previous := -1, ""
	taken := make(map[string]bool)
	for w.dec.More() {
		token, err := w.dec.Token()
		if err != nil {
			return err
		}
		key := token.(string)
		if taken[key] {
			return fmt.Errorf("key %q twice", key)
		}
		taken[key] = true
		var below *shape
		if sh != nil {
			below = sh.keys[key]
			switch place, ordered := sh.place[key]; {
			case ordered && place < last:
				return fmt.Errorf("key %q after %q", key, previous)
			case ordered:
				last, previous = place, key
			case sh.rest != nil && len(sh.place) == 0:
				below = sh.rest
			case key != previous+"_b64":
				return fmt.Errorf("key %q after %q", key, previous)
			}
		}
		known, err := w.value(below)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if known && below != nil && sh.names[key] != "" {
			w.seen[sh.names[key]] = true
		}
	}
	return nil
}

// threeDecimals reports whether a number is written with three decimals.
func threeDecimals(number string) bool {
	dot := len(number) - 4
	return dot > 0 && number[dot] == '.' && number[0] != '-' && !bytes.ContainsAny([]byte(number), "eE")
}
