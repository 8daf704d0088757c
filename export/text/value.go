package text

import (
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"h2trace/export/scan"
)

// safe returns text without what a terminal acts on: control characters, and those that reorder
// the text around them, become escapes of Go strings. All that is printed goes through it.
func safe(b []byte) []byte {
	for _, c := range b {
		if c < ' ' || c >= 0x7f {
			return escaped(b)
		}
	}
	return b
}

func escaped(b []byte) (out []byte) {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			out = append(out, b[:size]...)
		} else {
			quoted := strconv.AppendQuoteToASCII(nil, string(b[:size]))
			out = append(out, quoted[1:len(quoted)-1]...)
		}
		b = b[size:]
	}
	return out
}

// appendSize appends a number of bytes, which h2trace writes as an integer or null.
func appendSize(b, v []byte) []byte {
	n, ok := scan.Integer(v)
	switch size := float64(n); {
	case !ok:
		return append(b, "? B"...)
	case n < 10_000:
		return append(strconv.AppendInt(b, n, 10), " B"...)
	case n < 1_000_000:
		return append(strconv.AppendFloat(b, size/1e3, 'f', 1, 64), " kB"...)
	default:
		return append(strconv.AppendFloat(b, size/1e6, 'f', 1, 64), " MB"...)
	}
}

// appendMillis appends a time in milliseconds, and "?" for null.
func appendMillis(b, v []byte) []byte {
	d, ok := scan.Millis(v)
	if !ok {
		return append(b, '?')
	}
	return appendDuration(b, d)
}

func appendDuration(b []byte, d time.Duration) []byte {
	switch {
	case d < 100*time.Millisecond:
		return append(strconv.AppendFloat(b, float64(d)/1e6, 'f', 1, 64), " ms"...)
	case d < time.Second:
		return append(strconv.AppendInt(b, d.Milliseconds(), 10), " ms"...)
	default:
		return append(strconv.AppendFloat(b, d.Seconds(), 'f', 2, 64), " s"...)
	}
}
