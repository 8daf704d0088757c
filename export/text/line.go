package text

import (
	"h2trace/export/scan"
)

// line is a line in the making: its columns, what happened, and the facts of it.
type line struct {
	columns columns
	verb    []byte
	colour  colour
	parts   []part
	b       []byte // of the parts, one after the other

	out        []byte
	all, short [][]byte // see texts and shortened
}

// part is a fact, or a piece of one.
type part struct {
	end  int // in line.b
	rank rank
	cut  cutting
}

// rank says which parts of a line are left out first where it does not fit.
type rank int

const (
	must   rank = iota // never
	useful             // after the extra ones
	extra
)

// cutting says how a part is made shorter where its line does not fit.
type cutting int

const (
	whole  cutting = iota
	middle         // its middle goes
	inURL          // what is between the host and the end
)

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

// maxKept bounds the memory that stays allocated after an enormous line.
const maxKept = 1 << 20

func (l *line) reset() {
	if cap(l.b)+cap(l.out) > maxKept {
		*l = line{columns: l.columns}
	}
	l.verb, l.colour, l.parts, l.b = nil, plain, l.parts[:0], l.b[:0]
}

// turns makes a line at least as bad as a colour says.
func (l *line) turns(c colour) {
	if l.colour != red {
		l.colour = c
	}
}

// fact begins a part, to which all that follows is appended.
func (l *line) fact(r rank) *line { return l.begin(r, whole) }

// long begins one that may be cut.
func (l *line) long(r rank, c cutting) *line { return l.begin(r, c) }

func (l *line) begin(r rank, c cutting) *line {
	l.parts = append(l.parts, part{len(l.b), r, c})
	return l
}

// say appends words.
func (l *line) say(words string) *line { return l.put(append(l.b, words...)) }

// raw appends a value as it is written.
func (l *line) raw(v []byte) *line { return l.put(append(l.b, v...)) }

// text appends the value of a JSON string, and nothing for null.
func (l *line) text(v []byte) *line { return l.raw(scan.Bytes(v)) }

// size appends a number of bytes, and millis a time in milliseconds.
func (l *line) size(v []byte) *line   { return l.put(appendSize(l.b, v)) }
func (l *line) millis(v []byte) *line { return l.put(appendMillis(l.b, v)) }

// counted appends a number, and the words after it: of one, or of more.
func (l *line) counted(n []byte, one, more string) *line {
	if l.raw(n); string(n) == "1" {
		return l.say(one)
	}
	return l.say(more)
}

// put takes over what was appended to the last part.
func (l *line) put(b []byte) *line {
	if len(l.parts) == 0 {
		l.fact(must)
	}
	l.b, l.parts[len(l.parts)-1].end = b, len(b)
	return l
}

// append appends the line, of at most limit columns if that is not 0.
func (l *line) append(b []byte, limit int, coloured bool) []byte {
	cells := l.columns.fit(limit)
	room := 0
	if limit > 0 {
		room = max(limit-columnsOf(cells), 1)
	}
	said := l.said(room, limit-tab)
	if !coloured {
		return append(append(b, cells...), said...)
	}
	b = append(append(append(b, escape...), faint+"m"...), cells...)
	b = append(append(append(append(b, escape...), "0;"+l.colour...), 'm'), said...)
	return append(append(b, escape...), plain+"m"...)
}
