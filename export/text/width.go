package text

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// pad appends a cell, and spaces up to a width, before it if it is a number. A wider cell is
// cut.
func pad(b, cell []byte, width int, number bool) []byte {
	n := width - columnsOf(cell)
	if n < 0 {
		cell, n = elide(cell, width, middle), 0
	}
	if !number {
		b = append(b, cell...)
	}
	for range n {
		b = append(b, ' ')
	}
	if number {
		b = append(b, cell...)
	}
	return b
}

// columnsOf returns how many columns of a terminal text takes (UAX #11).
func columnsOf(b []byte) int {
	for i, c := range b {
		if c >= utf8.RuneSelf {
			n := i
			for rest := b[i:]; len(rest) > 0; {
				r, size := utf8.DecodeRune(rest)
				n, rest = n+runeColumns(r), rest[size:]
			}
			return n
		}
	}
	return len(b)
}

func runeColumns(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// leastTail is how much of the end of a URL stays where its host does.
const leastTail = 12

// elide makes text shorter, so that it takes at most n columns.
func elide(b []byte, n int, how cutting) []byte {
	if columnsOf(b) <= n {
		return b
	}
	head := cut(b, (n-1)/2)
	if how == inURL {
		head = nil
		if host := originOf(b); columnsOf(host) < n-leastTail {
			head = host
		}
	}
	end := len(b)
	for left := n - 1 - columnsOf(head); end > 0; {
		r, size := utf8.DecodeLastRune(b[:end])
		if left -= runeColumns(r); left < 0 {
			break
		}
		end -= size
	}
	return append(append(bytes.Clone(head), ellipsis...), b[end:]...)
}

// originOf returns the scheme and the authority of a URL, with the slash after them.
func originOf(url []byte) []byte {
	begin := bytes.Index(url, []byte("://"))
	if begin < 0 {
		return nil
	}
	begin += len("://")
	return url[:begin+bytes.IndexByte(url[begin:], '/')+1]
}

// cut returns the start of text, of at most n columns.
func cut(b []byte, n int) []byte {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if n -= runeColumns(r); n < 0 {
			return b[:i:i]
		}
		i += size
	}
	return b
}
