package report

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// members calls f with each member of the JSON object b, and reports whether b is one. f
// gets slices of b: a key without its quotes, and a value as written. members only delimits
// values; f parses those that it needs.
func members(b []byte, f func(key, value []byte)) bool {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return space(b, i+1) == len(b)
	}
	for i < len(b) {
		end := stringEnd(b, i)
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

// space returns the index of the first byte from i on that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index after the string at b[i], or -1.
func stringEnd(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for j := i + 1; ; {
		n := bytes.IndexByte(b[j:], '"')
		if n < 0 {
			return -1
		}
		j += n + 1
		escapes := 0
		for b[j-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return j
		}
	}
}

// valueEnd returns the index after the value at b[i], or -1.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		return nestedEnd(b, i)
	}
	j := i
	for j < len(b) && b[j] != ',' && b[j] != '}' && b[j] != ']' && b[j] != ' ' {
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
			if i = stringEnd(b, i); i < 0 {
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

// text returns the value of a JSON string, or "" for null and all else.
func text(v []byte) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1])
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// is reports whether v is the JSON string s, which needs no escapes.
func is(v []byte, s string) bool {
	return len(v) == len(s)+2 && v[0] == '"' && string(v[1:len(v)-1]) == s
}

// millis returns a time in milliseconds as nanoseconds, and false for null.
func millis(v []byte) (time.Duration, bool) {
	if d, ok := shortMillis(v); ok {
		return d, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || f > 1e12 || f < -1e12 { // an int64 has no more in nanoseconds
		return 0, false
	}
	if f < 0 {
		return -time.Duration(-f*1e6 + 0.5), true
	}
	return time.Duration(f*1e6 + 0.5), true
}

// shortMillis returns a time as h2trace writes it, with three decimals.
func shortMillis(v []byte) (time.Duration, bool) {
	point := len(v) - 4
	if point < 1 || point > 12 || v[point] != '.' {
		return 0, false
	}
	var n time.Duration
	for i, c := range v {
		switch {
		case i == point:
		case c < '0' || c > '9':
			return 0, false
		default:
			n = n*10 + time.Duration(c-'0')
		}
	}
	return n * time.Microsecond, true
}

// integer returns an integer, and false for null.
func integer(v []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil
}

// times parses the times of events. Most are in the same second as the one before.
type times struct {
	prefix []byte // of the last, up to its seconds
	second int64
}

// parse returns a time in Unix nanoseconds, and false if v is none.
func (t *times) parse(v []byte) (wallTime, bool) {
	const layout = `"2006-01-02T15:04:05.000000000Z"`
	const seconds = len(`"2006-01-02T15:04:05.`)
	if len(v) != len(layout) || v[len(v)-2] != 'Z' {
		return 0, false
	}
	if !bytes.Equal(v[:seconds], t.prefix) {
		at, err := time.Parse(layout, string(v))
		if err != nil {
			return 0, false
		}
		t.prefix, t.second = append(t.prefix[:0], v[:seconds]...), at.Unix()
	}
	var frac int64
	for _, c := range v[seconds : len(v)-2] {
		if c < '0' || c > '9' {
			return 0, false
		}
		frac = frac*10 + int64(c-'0')
	}
	return wallTime(t.second*1e9 + frac), true
}
