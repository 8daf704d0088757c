package schema

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
)

// texts tells strings apart by what a schema demands of them: to be one that it names, or to
// match a pattern. It makes no string equal to another that can be a date, or is base64 of the
// bytes of a key.
type texts struct {
	named    map[string]bool // all strings in the schema
	patterns []*regexp.Regexp
	known    map[string]uint64 // what short strings have met
}

// maxKnown and maxText bound the strings that are remembered.
const (
	maxKnown = 1 << 12
	maxText  = 64
)

func newTexts() texts {
	return texts{named: make(map[string]bool), known: make(map[string]uint64)}
}

// demand takes a keyword of the schema and its value. It refuses one that tells strings
// apart that met does not. What is the name of a key, such as "pattern" of "properties",
// does no harm.
func (t *texts) demand(keyword string, value any) error {
	s, isString := value.(string)
	switch keyword {
	case "minLength", "maxLength", "contentMediaType", "contentSchema":
	case "format":
		if s == "date-time" {
			return nil
		}
	case "contentEncoding":
		if s == "base64" {
			return nil
		}
	case "pattern":
		if !isString {
			return nil
		}
		re, err := regexp.Compile(s)
		if err != nil {
			return err
		}
		if len(t.patterns) < 64 { // the bits of met
			t.patterns = append(t.patterns, re)
			return nil
		}
	default:
		return nil
	}
	return fmt.Errorf("%s %v tells strings apart that fingerprints do not", keyword, value)
}

// exactSuffix ends the keys whose strings are base64, alone or in an array.
var exactSuffix = []byte(`_b64"`)

// append appends what a JSON string meets that is the value of a key, or in it. It appends the
// string as it is if it is base64, if the schema names it, if it has escapes or bytes that may be
// no UTF-8, and if it can be a date.
func (t *texts) append(b, key, quoted []byte) []byte {
	if len(quoted) < 2 || quoted[len(quoted)-1] != '"' || bytes.HasSuffix(key, exactSuffix) {
		return append(b, quoted...)
	}
	s := quoted[1 : len(quoted)-1]
	if t.named[string(s)] || !plainASCII(s) || canBeDate(s) {
		return append(b, quoted...)
	}
	met, ok := t.known[string(s)]
	if !ok {
		met = t.met(string(s))
		if len(s) <= maxText {
			if len(t.known) == maxKnown {
				clear(t.known)
			}
			t.known[string(s)] = met
		}
	}
	return append(strconv.AppendUint(append(b, 'S'&0x1f), met, 16), 'S'&0x1f)
}

// met returns a bit for each pattern that a string matches.
func (t *texts) met(s string) (bits uint64) {
	for i, re := range t.patterns {
		if re.MatchString(s) {
			bits |= 1 << i
		}
	}
	return bits
}

// plainASCII reports whether a JSON string stands for itself.
func plainASCII(s []byte) bool {
	for _, c := range s {
		if c < ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// canBeDate reports whether a string may be one of RFC 3339, such as
// 2026-01-02t03:04:05Z, which "format" looks at.
func canBeDate(s []byte) bool {
	return len(s) >= len("2026-01-02T03:04:05Z") && (s[10] == 'T' || s[10] == 't' || s[10] == ' ')
}
