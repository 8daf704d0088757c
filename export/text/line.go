package text

import (
	"bytes"
	"slices"

	"h2trace/export/scan"
)

// line is a line in the making: its columns, what happened, and the facts of it.
type line struct {
	columns columns
	verb    []byte
	colour  colour
	parts   []part
	b       []byte // of the parts, one after the other

	out []byte
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
func (l *line) text(v []byte) *line {
	if len(v) >= 2 && v[0] == '"' && bytes.IndexByte(v, '\\') < 0 {
		return l.raw(v[1 : len(v)-1])
	}
	return l.say(scan.Text(v))
}

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

const (
	// verbWidth is that of the longest usual type of a frame, WINDOW_UPDATE.
	verbWidth = 13
	// leastLong is how much is left of what is cut, and leastBeside where another line could
	// be begun.
	leastLong   = 12
	leastBeside = 24
	// leastBelow is the least room for a further line, which begins with a tab.
	leastBelow = 20
	tab        = 8
	ellipsis   = "…"
)

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

// said returns what is said after the columns, in so much room if that is not 0. Where it does
// not fit, parts are left out by their rank, the last ones first, and the long ones are cut.
// Where that is not enough, the rest is on lines of their own, with so much room below.
func (l *line) said(room, below int) []byte {
	texts := make([][]byte, 0, 16)
	from, total := 0, verbWidth+1
	for i, p := range l.parts {
		texts = append(texts, safe(l.b[from:p.end]))
		from = p.end
		total += columnsOf(texts[i])
	}
	over, left := total-room, false
	if room == 0 {
		over = 0
	}
	for r := extra; r > must && over > 0; r-- {
		for i := len(l.parts) - 1; i >= 0 && over > 0; i-- {
			if l.parts[i].rank == r && len(texts[i]) > 0 {
				over -= columnsOf(texts[i])
				if !left { // for the sign of it
					over++
				}
				texts[i], left = nil, true
			}
		}
	}
	if over > 0 {
		short, still := l.shortened(texts, over)
		if still <= 0 || below < leastBelow {
			texts, over = short, still
		}
	}
	b := append(pad(l.out[:0], safe(l.verb), verbWidth, false), ' ')
	used, begins := verbWidth+1, true
	for i, text := range texts {
		n := columnsOf(text)
		if over > 0 && used+n > room && !begins && below >= leastBelow && (l.parts[i].cut == whole || room-used < leastBeside) {
			b, used, room, begins = append(bytes.TrimRight(b, " ,:"), "\n\t"...), 0, below, true
		}
		if begins {
			text = bytes.TrimLeft(text, " ,:")
			n = columnsOf(text)
		}
		if over > 0 && used+n > room {
			text = elide(text, max(room-used, 1), l.parts[i].cut)
			n = columnsOf(text)
		}
		b, used, begins = append(b, text...), used+n, begins && len(text) == 0
	}
	if left && used < room {
		b = append(b, ellipsis...)
	}
	if over > 0 && below < leastBelow && columnsOf(b) > room {
		b = append(cut(b, room-1), ellipsis...)
	}
	l.out = b
	return bytes.TrimRight(b, " ")
}

// shortened returns the texts of the parts with the long ones cut, and how much they still take too
// much.
func (l *line) shortened(texts [][]byte, over int) (list [][]byte, still int) {
	list = slices.Clone(texts)
	for over > 0 {
		longest, n := -1, leastLong
		for i, p := range l.parts {
			if w := columnsOf(list[i]); p.cut != whole && w > n {
				longest, n = i, w
			}
		}
		if longest < 0 {
			break
		}
		list[longest] = elide(list[longest], max(n-over, leastLong), l.parts[longest].cut)
		over -= n - columnsOf(list[longest])
	}
	return list, over
}
