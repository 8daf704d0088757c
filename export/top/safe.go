package top

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
