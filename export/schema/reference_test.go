package schema

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// reference is a section of the reference of events in export/doc.go.
type reference struct {
	keys []string // those that begin a row of its table
	text string
}

// readReference reads the sections by the event that they describe. "" is what all have.
func readReference(t *testing.T) map[string]*reference {
	t.Helper()
	b, err := os.ReadFile("../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	refs, at := make(map[string]*reference), (*reference)(nil)
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(strings.TrimPrefix(line, "//"), "\n")
		if title, ok := strings.CutPrefix(line, " # "); ok {
			if title == "Every line" {
				title = ""
			}
			at = &reference{}
			refs[title] = at
		}
		if at == nil {
			continue
		}
		at.text += line + "\n"
		row, isRow := strings.CutPrefix(line, "\t")
		if !isRow || strings.HasPrefix(row, " ") {
			continue
		}
		at.keys = append(at.keys, keyForm.FindAllString(column.FindString(row), -1)...)
	}
	return refs
}

var (
	column  = regexp.MustCompile(`^[a-z][a-z0-9_]*(?:, [a-z][a-z0-9_]*)*`)
	keyForm = regexp.MustCompile(`[a-z][a-z0-9_]*`)
	// compound matches words that can only be keys or values.
	compound = regexp.MustCompile(`\b[a-z]+[a-z0-9]*(_[a-z0-9]+)+\b`)
	braced   = regexp.MustCompile(`\{[a-z_]+(?:,\s+[a-z_]+)*\}`)
	word     = regexp.MustCompile(`[\w/-]+`)
)

// notKeys are words of the reference that look like keys, with what they are.
var notKeys = map[string]string{
	"cgroup_skb": "a probe",
	"key_log":    "a tap",
}

// vocabulary returns the keys by their event, and all words that a line can have: the
// keys, and the values of enumerations.
func vocabulary(t *testing.T) (keys map[string][]string, words map[string]bool) {
	t.Helper()
	v := validator(t)
	keys, words = make(map[string][]string), make(map[string]bool)
	for _, k := range v.shaper.kinds() {
		for _, path := range v.shaper.line(k).paths() {
			where, key, _ := strings.Cut(path, ".")
			event, _, _ := strings.Cut(where, " ")
			keys[event] = append(keys[event], key)
			for name := range strings.SplitSeq(key, ".") {
				words[name] = true
			}
		}
	}
	for _, m := range regexp.MustCompile(`"enum": \[([^\]]*)\]`).FindAllStringSubmatch(string(JSON), -1) {
		for _, value := range word.FindAllString(m[1], -1) {
			words[value] = true
		}
	}
	return keys, words
}

// says reports whether a section has a word.
func (r *reference) says(w string) bool { return slices.Contains(word.FindAllString(r.text, -1), w) }

// TestReferenceHasKeys looks for each key of the schema in the reference that people read:
// in the table of its event, or, if it is below another, in the text there.
func TestReferenceHasKeys(t *testing.T) {
	refs := readReference(t)
	keys, _ := vocabulary(t)
	for event, list := range keys {
		ref := refs[event]
		if strings.HasPrefix(event, "$") { // of a definition, which several events have
			ref = &reference{}
			for _, one := range refs {
				ref.text += one.text
			}
		}
		if ref == nil {
			t.Errorf("doc.go has no section on %s", event)
			continue
		}
		for _, key := range list {
			inTable := !strings.Contains(key, ".") && event != "frame" && ref.keys != nil // frames have a second table
			name := key[strings.LastIndexByte(key, '.')+1:]
			if inTable && !slices.Contains(ref.keys, name) && !slices.Contains(refs[""].keys, name) || !inTable && !ref.says(name) && !refs[""].says(name) {
				t.Errorf("doc.go does not describe %s of %s", key, event)
			}
		}
	}
}

// TestSchemaHasReference looks for each key of the reference in the schema.
func TestSchemaHasReference(t *testing.T) {
	keys, words := vocabulary(t)
	for event, ref := range readReference(t) {
		if keys[event] == nil {
			continue
		}
		for _, key := range ref.keys {
			if !slices.Contains(keys[event], key) {
				t.Errorf("doc.go describes %s of %s, which the schema does not have", key, event)
			}
		}
		said := compound.FindAllString(ref.text, -1)
		for _, list := range braced.FindAllString(ref.text, -1) {
			said = append(said, word.FindAllString(list, -1)...)
		}
		for _, w := range said {
			if !words[w] && notKeys[w] == "" && !words[strings.TrimSuffix(w, "_b64")] {
				t.Errorf("doc.go says %s of %s, which the schema does not have", w, event)
			}
		}
	}
}

// TestEnumerations looks for each value that a key can have in the reference.
func TestEnumerations(t *testing.T) {
	all := ""
	for _, ref := range readReference(t) {
		all += ref.text
	}
	_, words := vocabulary(t)
	said := word.FindAllString(all, -1)
	for w := range words {
		if !slices.Contains(said, w) {
			t.Errorf("doc.go does not have %s", w)
		}
	}
}

// TestUnits compares the names of keys with their types: _ms are milliseconds, and
// nothing else but parts of such keys is.
func TestUnits(t *testing.T) {
	v := validator(t)
	var look func(sh *shape, parent string)
	look = func(sh *shape, parent string) {
		for name, below := range sh.keys {
			inside := strings.HasSuffix(parent, "_ms")
			if strings.HasSuffix(name, "_ms") != below.ms && !inside && len(below.keys) == 0 {
				t.Errorf("%s is in milliseconds: %t", sh.names[name], below.ms)
			}
			look(below, name)
		}
		if sh.items != nil {
			look(sh.items, parent)
		}
	}
	for _, k := range v.shaper.kinds() {
		look(v.shaper.line(k), "")
	}
}
