package text

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// line is a line in the making: its columns, what happened, and the fact. Of the fact, long is
// cut where it does not fit.
type line struct {
	columns             []byte
	verb                string
	before, long, after []byte
	colour              colour
	tail                bool // of what is long, the end says more than the begin: it is a URL

	cell []byte // for what is to be aligned
}

// maxKept bounds the memory that stays allocated after an enormous line.
const maxKept = 1 << 20

func (l *line) reset() {
	if cap(l.long)+cap(l.after) > maxKept {
		*l = line{columns: l.columns, cell: l.cell}
	}
	l.verb, l.colour, l.tail = "", plain, false
	l.before, l.long, l.after = l.before[:0], l.long[:0], l.after[:0]
}

// colour is the number of a terminal's (ECMA-48 §8.3.117).
type colour string

const (
	plain  colour = "0"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	faint  colour = "2"

	escape = "\x1b["
)

// turns makes a line at least as bad as a colour says.
func (l *line) turns(c colour) {
	if l.colour != red {
		l.colour = c
	}
}

const (
	// verbWidth is that of the longest usual type of a frame, WINDOW_UPDATE.
	verbWidth = 13
	// leastLong is how much is left of what is cut, at least.
	leastLong = 12
	ellipsis  = "…"
)

// append appends the line, of at most limit columns if that is not 0.
func (l *line) append(b []byte, limit int, coloured bool) []byte {
	said := l.said(limit)
	if !coloured {
		return append(append(b, l.columns...), said...)
	}
	b = append(append(append(b, escape...), faint+"m"...), l.columns...)
	b = append(append(append(append(b, escape...), "0;"+l.colour...), 'm'), said...)
	return append(append(b, escape...), plain+"m"...)
}

// said returns what is said after the columns, where that fits.
func (l *line) said(limit int) []byte {
	before, long, after := safe(l.before), safe(l.long), safe(l.after)
	b := append(pad(l.cell[:0], safe([]byte(l.verb)), verbWidth, false), ' ')
	room := limit - columnsOf(l.columns)
	if limit > 0 {
		fixed := columnsOf(b) + columnsOf(before) + columnsOf(after)
		long = elide(long, max(room-fixed, leastLong), l.tail)
	}
	if len(before)+len(long) == 0 {
		after = bytes.TrimLeft(after, " ")
	}
	b = append(append(append(b, before...), long...), after...)
	if limit > 0 && columnsOf(b) > room {
		b = cut(b, max(room, 0))
	}
	l.cell = b
	return bytes.TrimRight(b, " ")
}

// pad appends a cell, and spaces up to a width, before it if it is a number.
func pad(b, cell []byte, width int, number bool) []byte {
	n := width - columnsOf(cell)
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
			for _, r := range string(b[i:]) {
				n += runeColumns(r)
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

// elide replaces the middle of text, or its begin, so that it takes at most n columns.
func elide(b []byte, n int, tail bool) []byte {
	if columnsOf(b) <= n {
		return b
	}
	var head []byte
	if !tail {
		head = cut(b, (n-1)/2)
	}
	end := len(b)
	for left := n - 1 - columnsOf(head); ; {
		r, size := utf8.DecodeLastRune(b[:end])
		if left -= runeColumns(r); left < 0 {
			break
		}
		end -= size
	}
	return append(append(bytes.Clone(head), ellipsis...), b[end:]...)
}

// cut returns the start of text, of at most n columns.
func cut(b []byte, n int) []byte {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if n -= runeColumns(r); n < 0 {
			return b[:i]
		}
		i += size
	}
	return b
}
