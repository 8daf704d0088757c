package scan

import "bytes"

// Object is an event: its keys, and their values as written. It is reused for the next line, in
// whose bytes its slices are.
type Object struct{ keys, values [][]byte }

// Parse takes a line apart, and reports whether it is an event of the schema (see package
// export).
func (o *Object) Parse(line []byte) bool {
	o.keys, o.values = o.keys[:0], o.values[:0]
	ok := Members(bytes.TrimRight(line, "\r\n"), func(key, value []byte) {
		o.keys, o.values = append(o.keys, key), append(o.values, value)
	})
	return ok && string(o.Get("v")) == "1" && len(o.Word("event")) > 0
}

// Get returns the value of a key, or nil. Of a key that occurs twice it is the last.
func (o *Object) Get(key string) []byte {
	for i := len(o.keys) - 1; i >= 0; i-- {
		if string(o.keys[i]) == key {
			return o.values[i]
		}
	}
	return nil
}

// Text returns the value of a key that is a string, or else "".
func (o *Object) Text(key string) string { return Text(o.Get(key)) }

// Word returns the value of a key that is a string, or else nothing.
func (o *Object) Word(key string) []byte { return Bytes(o.Get(key)) }

// Is reports whether a key has a value, as written.
func (o *Object) Is(key, value string) bool { return string(o.Get(key)) == value }

// Has reports whether the key has a value other than null.
func (o *Object) Has(key string) bool { return Known(o.Get(key)) }

// Within returns the value of a key in an object that is the value of another.
func (o *Object) Within(outer, key string) []byte { return Member(o.Get(outer), key) }

// Member returns the value of a key in an object, or nil.
func Member(object []byte, key string) (value []byte) {
	Members(object, func(k, v []byte) {
		if string(k) == key {
			value = v
		}
	})
	return value
}

// Known reports whether there is a value, and not null.
func Known(v []byte) bool { return v != nil && string(v) != "null" }
