package text

import (
	"bytes"

	"h2trace/export/scan"
)

// object is an event: its keys, and their values as written.
type object struct{ keys, values [][]byte }

// parse takes a line apart, and reports whether it is an event of the schema (see package
// export).
func (o *object) parse(line []byte) bool {
	o.keys, o.values = o.keys[:0], o.values[:0]
	ok := scan.Members(bytes.TrimRight(line, "\n"), func(key, value []byte) {
		o.keys, o.values = append(o.keys, key), append(o.values, value)
	})
	return ok && string(o.get("v")) == "1" && len(o.word("event")) > 0
}

// get returns the value of a key, or nil. Of a key that occurs twice it is the last.
func (o *object) get(key string) []byte {
	for i := len(o.keys) - 1; i >= 0; i-- {
		if string(o.keys[i]) == key {
			return o.values[i]
		}
	}
	return nil
}

// text returns the value of a key that is a string, or else "".
func (o *object) text(key string) string { return scan.Text(o.get(key)) }

// word returns the value of a key that is a string, or else nothing.
func (o *object) word(key string) []byte { return scan.Bytes(o.get(key)) }

// is reports whether a key has a value, as written.
func (o *object) is(key, value string) bool { return string(o.get(key)) == value }

// has reports whether the key has a value other than null.
func (o *object) has(key string) bool { return known(o.get(key)) }

// within returns the value of a key in an object that is the value of another.
func (o *object) within(outer, key string) (value []byte) {
	scan.Members(o.get(outer), func(k, v []byte) {
		if string(k) == key {
			value = v
		}
	})
	return value
}

func known(v []byte) bool { return v != nil && string(v) != "null" }
