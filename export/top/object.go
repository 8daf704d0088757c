package top

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"h2trace/export/scan"
)

// object is an event: its keys, and their values as written. It is valid until the next parse.
type object struct {
	keys, values [][]byte
	next         int // where get begins to look: keys are asked for in their order
}

// parse takes a line apart, and reports whether it is an event of the schema.
func (o *object) parse(line []byte) bool {
	o.keys, o.values, o.next = o.keys[:0], o.values[:0], 0
	ok := scan.Members(bytes.TrimRight(line, "\n"), o.add)
	return ok && string(o.get("v")) == "1"
}

func (o *object) add(key, value []byte) {
	o.keys, o.values = append(o.keys, key), append(o.values, value)
}

// get returns the value of a key, or nil.
func (o *object) get(key string) []byte {
	for range o.keys {
		i := o.next
		if o.next++; o.next == len(o.keys) {
			o.next = 0
		}
		if string(o.keys[i]) == key {
			return o.values[i]
		}
	}
	return nil
}

// word returns the value of a string without a copy, as scan.Bytes.
func (o *object) word(key string) []byte { return scan.Bytes(o.get(key)) }

// text returns the value of a string for a screen (see safe), of at most maxText bytes.
func (o *object) text(key string) string { return safe(o.word(key)) }

// count returns a number that is not negative, and 0 for null and all else.
func (o *object) count(key string) int64 {
	n, _ := scan.Integer(o.get(key))
	return max(n, 0)
}

// within returns the value of a key in an object.
func within(outer []byte, key string) (value []byte) {
	scan.Members(outer, func(k, v []byte) {
		if string(k) == key {
			value = v
		}
	})
	return value
}

// known reports whether there is a value other than null.
func known(v []byte) bool { return v != nil && string(v) != "null" }

// maxText is how much is kept of a text that others choose, such as a URL.
const maxText = 512

// Safe returns text for a screen, as that of all rows is.
func Safe(s string) string { return safe([]byte(s)) }

// safe returns text without what a terminal acts on: control characters, and those that reorder
// the text around them, become escapes of Go strings.
func safe(b []byte) string {
	if len(b) > maxText {
		b = b[:maxText]
		for len(b) > 0 && !utf8.Valid(b[max(0, len(b)-utf8.UTFMax):]) && !utf8.RuneStart(b[len(b)-1]) {
			b = b[:len(b)-1]
		}
	}
	plain := true
	for _, c := range b {
		plain = plain && c >= ' ' && c < 0x7f
	}
	if plain {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			out.Write(b[:size])
		} else {
			quoted := strconv.QuoteToASCII(string(b[:size]))
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		b = b[size:]
	}
	return out.String()
}
