package text

import "bytes"

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

// said returns what is said after the columns, in so much room if that is not 0. Where it does
// not fit, parts are left out by their rank, and the long ones are cut. Where that is not enough,
// the rest is on lines of their own, with so much room below; without room for any, it is cut.
func (l *line) said(room, below int) []byte {
	texts, over := l.texts()
	if over -= room; room == 0 || over <= 0 {
		return l.lay(texts, nil)
	}
	left, over := l.leaveOut(texts, over)
	if over > 0 {
		short, still := l.shortened(texts, over, below)
		if still <= 0 || below < leastBelow {
			texts, over = short, still
		}
	}
	switch {
	case over <= 0:
		b := l.lay(texts, nil)
		if left && columnsOf(b) < room {
			b = append(b, ellipsis...)
		}
		return b
	case below < leastBelow:
		return append(cut(l.lay(texts, nil), room-1), ellipsis...)
	}
	return l.lay(texts, &rows{room: room, below: below})
}

// texts returns the texts of the parts, and how many columns they take with the verb.
func (l *line) texts() (list [][]byte, total int) {
	list = l.all[:0]
	from, total := 0, max(verbWidth, columnsOf(safe(l.verb)))+1
	for i, p := range l.parts {
		list = append(list, safe(l.b[from:p.end]))
		from = p.end
		total += columnsOf(list[i])
	}
	l.all = list
	return list, total
}

// leaveOut empties the texts that matter least, the last ones first, while they take too much. It
// returns whether it did so, and how much they still take too much, with a sign of what is left
// out.
func (l *line) leaveOut(texts [][]byte, over int) (left bool, still int) {
	for r := extra; r > must && over > 0; r-- {
		for i := len(l.parts) - 1; i >= 0 && over > 0; i-- {
			if l.parts[i].rank != r || len(texts[i]) == 0 {
				continue
			}
			over -= columnsOf(texts[i])
			if !left {
				over++
			}
			texts[i], left = nil, true
		}
	}
	return left, over
}

// shortened returns the texts with the long ones cut, the longest first, and how much they still
// take too much. Of what failed, only URLs are cut where further lines are possible.
func (l *line) shortened(texts [][]byte, over, below int) (list [][]byte, still int) {
	list = append(l.short[:0], texts...)
	l.short = list
	for over > 0 {
		longest, n := -1, leastLong
		for i, p := range l.parts {
			if w := columnsOf(list[i]); p.cut != whole && w > n && (p.cut == inURL || l.colour != red || below < leastBelow) {
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

// rows is how much room there is in a line, and in those below it.
type rows struct{ room, below int }

// lay puts the texts one after the other, after the verb; if rows is not nil, with further lines
// where they do not fit.
func (l *line) lay(texts [][]byte, in *rows) []byte {
	b := append(append(l.out[:0], safe(l.verb)...), ' ')
	for columnsOf(b) <= verbWidth {
		b = append(b, ' ')
	}
	used, begins := columnsOf(b), true
	for i, text := range texts {
		if begins {
			text = untied(text)
		}
		n := columnsOf(text)
		if in != nil && used+n > in.room {
			if beside := in.room - used; !begins && (l.parts[i].cut == whole || beside < leastBeside) {
				b, used, in.room = append(bytes.TrimRight(b, " ,"), "\n\t"...), 0, in.below
				text = untied(text)
			}
			for l.colour == red && l.parts[i].cut == middle && columnsOf(text) > in.room-used { // all of it
				head := words(cut(text, in.room-used))
				b, used, in.room = append(append(b, bytes.TrimRight(head, " ")...), "\n\t"...), 0, in.below
				text = text[len(head):]
			}
			text = elide(text, max(in.room-used, 1), l.parts[i].cut)
			n = columnsOf(text)
		}
		b, used, begins = append(b, text...), used+n, begins && len(text) == 0
	}
	l.out = b
	return bytes.TrimRight(b, " ")
}

// words returns the whole words of a text, if these are most of it.
func words(text []byte) []byte {
	if i := bytes.LastIndexByte(text, ' '); i > len(text)/2 {
		return text[:i+1]
	}
	return text
}

// untied returns a text without what ties it to the one before.
func untied(text []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(text, []byte(": ")), " ,")
}
