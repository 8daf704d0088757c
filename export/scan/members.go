// Package scan reads the lines of events. A report reads hundreds of megabytes of them a second,
// of which it needs a few values: so a line is only taken apart, and no value is parsed that
// nobody asks for.
package scan

import "bytes"

// Members calls f with each member of the JSON object b, and reports whether b is one. f
// gets slices of b: a key without its quotes, and a value as written. Members only delimits
// values; f parses those that it needs.
func Members(b []byte, f func(key, value []byte)) bool {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return space(b, i+1) == len(b)
	}
	for i < len(b) {
		end := StringEnd(b, i)
		if end < 0 {
			return false
		}
		key := b[i+1 : end-1]
		if i = space(b, end); i >= len(b) || b[i] != ':' {
			return false
		}
		i = space(b, i+1)
		if end = valueEnd(b, i); end < 0 {
			return false
		}
		f(key, b[i:end])
		if i = space(b, end); i >= len(b) {
			return false
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			return space(b, i+1) == len(b)
		default:
			return false
		}
	}
	return false
}

// Elements calls f with each element of the JSON array b, as written, and reports whether b is
// one.
func Elements(b []byte, f func(value []byte)) bool {
	if len(b) == 0 || b[0] != '[' {
		return false
	}
	i := space(b, 1)
	for i < len(b) && b[i] != ']' {
		end := valueEnd(b, i)
		if end < 0 {
			return false
		}
		f(b[i:end])
		if i = space(b, end); i < len(b) && b[i] == ',' {
			i = space(b, i+1)
		}
	}
	return i < len(b)
}

// space returns the index of the first byte from i on that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// shortString is the length of a string up to which bytes are compared one by one.
const shortString = 16

// StringEnd returns the index after the string at b[i], or -1.
func StringEnd(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	j := i + 1
	for end := min(j+shortString, len(b)); j < end; j++ { // a call costs more
		switch b[j] {
		case '"':
			return j + 1
		case '\\':
			j++
		}
	}
	for j < len(b) {
		n := bytes.IndexByte(b[j:], '"')
		if n < 0 {
			return -1
		}
		j += n + 1
		escapes := 0
		for k := j - 2; k > i && b[k] == '\\'; k-- {
			escapes++
		}
		if escapes%2 == 0 {
			return j
		}
	}
	return -1
}

// valueEnd returns the index after the value at b[i], or -1.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return StringEnd(b, i)
	case '{', '[':
		return nestedEnd(b, i)
	}
	j := i
	for j < len(b) && b[j] != ',' && b[j] != '}' && b[j] != ']' && space(b, j) == j {
		j++
	}
	if j == i {
		return -1
	}
	return j
}

// nestedEnd returns the index after the object or array at b[i].
func nestedEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = StringEnd(b, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}
