package scan

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Text returns the value of a JSON string, or "" for null and all else.
func Text(v []byte) string { return string(Bytes(v)) }

// Bytes is Text without a copy: where the string has no escapes, it returns a slice of v.
func Bytes(v []byte) []byte {
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return nil
	}
	return []byte(s)
}

// Is reports whether v is the JSON string s, which needs no escapes.
func Is(v []byte, s string) bool {
	return len(v) == len(s)+2 && v[0] == '"' && string(v[1:len(v)-1]) == s
}

// Millis returns a time in milliseconds as nanoseconds, and false for null.
func Millis(v []byte) (time.Duration, bool) {
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

// Integer returns an integer, and false for null.
func Integer(v []byte) (int64, bool) {
	if n, ok := shortInteger(v); ok || len(v) == 0 || v[0] > '9' { // an error would cost more than all else
		return n, ok
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil
}

// shortInteger returns a number of decimal digits that no int64 is too short for.
func shortInteger(v []byte) (n int64, ok bool) {
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
