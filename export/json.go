package export

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"
)

// The append functions below write JSON by hand: a frame line must not allocate, and
// reflection costs more than the rest of a line.

const hexDigits = "0123456789abcdef"

// plain marks the ASCII bytes that stand for themselves in a JSON string.
var plain = func() (t [utf8.RuneSelf]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendString appends s as a JSON string and reports whether s was UTF-8. Each byte that
// is not becomes U+FFFD. It escapes characters that a terminal acts on: C0 and C1
// controls, DEL, bidirectional overrides. Header values are untrusted, and lines end up
// on terminals.
func appendString[S []byte | string](b []byte, s S) ([]byte, bool) {
	valid := true
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if plain[c] {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			b = appendEscaped(b, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		switch {
		case r == utf8.RuneError && size == 1:
			valid = false
			b = append(b, s[start:i]...)
			b = append(b, "\ufffd"...)
			start = i + size
		case isUnsafe(r):
			b = append(b, s[start:i]...)
			b = append(b, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
			start = i + size
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"'), valid
}

// appendEscaped appends the escape sequence of an ASCII character
// (RFC 8259 §7).
func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}

// isUnsafe reports whether r, above ASCII, is escaped. These are the C1 controls, the line
// and paragraph separators, which break JavaScript, and the characters that reorder the
// text around them.
func isUnsafe(r rune) bool {
	return r < 0xa0 || 0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

// appendText appends a member whose value may be any bytes: `,"key":"…"`. If they are not
// UTF-8, `,"key_b64":"…"` with the exact bytes follows.
func appendText[S []byte | string](b []byte, key string, s S) []byte {
	b = appendKey(b, key)
	b, valid := appendString(b, s)
	if valid {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `_b64":`...)
	return appendBase64(b, []byte(s))
}

// appendTextOrNull is appendText, with null for the empty string, which means unknown.
func appendTextOrNull(b []byte, key, s string) []byte {
	if s == "" {
		return append(appendKey(b, key), "null"...)
	}
	return appendText(b, key, s)
}

// appendKey appends `,"key":`.
func appendKey(b []byte, key string) []byte {
	b = append(b, ',', '"')
	b = append(b, key...)
	return append(b, '"', ':')
}

func appendBase64(b, data []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, data)
	return append(b, '"')
}

func appendHex(b, data []byte) []byte {
	b = append(b, '"')
	b = hex.AppendEncode(b, data)
	return append(b, '"')
}

// integer lists the integer types of events.
type integer interface{ ~int | ~uint32 | ~uint64 }

func appendIntOrNull[T integer](b []byte, key string, n *T) []byte {
	b = appendKey(b, key)
	if n == nil {
		return append(b, "null"...)
	}
	return appendInteger(b, *n)
}

func appendInteger[T integer](b []byte, n T) []byte {
	if n < 0 {
		return strconv.AppendInt(b, int64(n), 10)
	}
	return strconv.AppendUint(b, uint64(n), 10)
}

func appendBoolOrNull(b []byte, key string, v *bool) []byte {
	b = appendKey(b, key)
	if v == nil {
		return append(b, "null"...)
	}
	return strconv.AppendBool(b, *v)
}

// appendMillis appends d in milliseconds with three decimals, rounded to the
// nearest microsecond.
func appendMillis(b []byte, d time.Duration) []byte {
	if d < 0 {
		b = append(b, '-')
		d = -d
	}
	us := uint64(d+500) / 1000
	b = strconv.AppendUint(b, us/1000, 10)
	return appendThree(append(b, '.'), int(us%1000))
}

// appendThree appends three decimal digits of n, which is less than 1000.
func appendThree(b []byte, n int) []byte {
	return append(b, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
}

func appendMillisOrNull(b []byte, key string, d *time.Duration) []byte {
	b = appendKey(b, key)
	if d == nil {
		return append(b, "null"...)
	}
	return appendMillis(b, *d)
}

// timestamps formats times. It caches the last second, because formatting a date costs as
// much as the rest of a small frame.
type timestamps struct {
	second int64
	prefix []byte
}

// append appends a time as an RFC 3339 string in UTC that always has nine decimals.
func (t *timestamps) append(b []byte, at time.Time) []byte {
	second, frac := at.Unix(), at.Nanosecond()
	if second != t.second || t.prefix == nil {
		t.second = second
		t.prefix = at.UTC().AppendFormat(t.prefix[:0], `"2006-01-02T15:04:05.`)
	}
	b = append(b, t.prefix...)
	b = appendThree(b, frac/1e6)
	b = appendThree(b, frac/1e3%1e3)
	b = appendThree(b, frac%1e3)
	return append(b, 'Z', '"')
}
