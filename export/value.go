package export

import (
	"encoding/json"
	"unicode/utf8"
)

// AppendString appends s as a JSON string, with the escapes that events have.
func AppendString[S []byte | string](b []byte, s S) []byte {
	b, _ = appendString(b, s)
	return b
}

// ValidValue reports whether a value of a recorded line, which anybody can have written, is
// JSON in UTF-8 as it stands.
func ValidValue(v []byte) bool {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		i := 1
		for i < len(v)-1 && v[i] < utf8.RuneSelf && plain[v[i]] {
			i++
		}
		if i == len(v)-1 {
			return true
		}
	}
	return json.Valid(v) && utf8.Valid(v)
}
