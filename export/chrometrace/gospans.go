package chrometrace

import (
	"math"
	"strconv"

	"h2trace/export/redact"
	"h2trace/export/scan"
)

// goSpans are the spans of go commands. Each command gets a process of its own, because its spans
// do not name one. Those of one thread can overlap: then they are on several lanes.
type goSpans struct {
	read    scan.GoTrace
	files   int64
	threads map[string]*nest // of this file, nil before the first
	kept    int              // intervals of them
}

// forget makes the spans that follow those of another file.
func (g *goSpans) forget() { g.threads, g.kept = nil, 0 }

// The ids of these processes and threads, above all of Linux and of other lanes.
const (
	goProcess = 1 << 22
	maxNests  = 1 << 12 // threads of a file that have lanes of their own
)

// nest are the lanes of a thread. Spans come in the order of their ends, so that those inside of a
// span come before it.
type nest struct {
	lanes
	outer [][]interval // by lane: the outermost spans so far, the last of many
	floor []micros     // by lane: the end of what outer does not have any more
}

// Bounds on the lanes of a thread, on the outermost spans of a lane that one may come around, and
// on those of all.
const (
	maxNestLanes = 64
	maxOuter     = 1 << 14
	maxAllOuter  = 1 << 19
)

// goTrace takes a line that a go command wrote with -debug-trace, and reports whether it is one.
func (t *Trace) goTrace(line []byte) bool { return t.spans.read.Take(line, t.goSpan) }

// goSpan draws a span of a go command.
func (t *Trace) goSpan(s scan.GoSpan) {
	n := t.nestOf(s.Thread)
	i := interval{microsOf(s.Begin), microsOf(max(s.Begin, s.End))}
	name := s.Name
	if !t.ShowSecrets {
		name = redact.String(name)
	}
	t.out.span(cut(name), "go", t.nested(n, &i), i)
	t.out.end()
}

// nestOf returns the lanes of a thread.
func (t *Trace) nestOf(thread string) *nest {
	g := &t.spans
	at := place{pid: goProcess + g.files}
	if g.threads == nil {
		g.threads = make(map[string]*nest)
		g.files++
		at.pid++
		at.tid = at.pid
		t.out.metadata("process_name", "name", at, []byte(`"go -debug-trace"`))
		t.out.metadata("process_sort_index", "sort_index", at, []byte("0"))
	}
	n := g.threads[thread]
	if n == nil || g.kept >= maxAllOuter {
		if len(g.threads) == maxNests || g.kept >= maxAllOuter {
			clear(g.threads) // the next spans of all get new lanes
			g.kept = 0
		}
		number, _ := strconv.Atoi(thread)
		n = &nest{lanes: lanes{pid: at.pid, name: "go " + strconv.Itoa(number), order: number}}
		g.threads[thread] = n
	}
	return n
}

// nested returns a lane on which a span is around others, or beside them. Readers take of two spans
// that begin together the one that is written first as the outer one. So one around others begins
// a microsecond earlier, if there is room.
func (t *Trace) nested(n *nest, i *interval) place {
	t.spans.kept++ // at most: it may replace others
	for k := range n.outer {
		if n.around(k, i) {
			return place{n.pid, n.list[k].tid}
		}
	}
	if len(n.outer) == maxNestLanes {
		*n = nest{lanes: lanes{pid: n.pid, name: n.name, order: n.order, added: n.added}}
	}
	l := &lane{}
	n.list = append(n.list, l)
	t.add(&n.lanes, l)
	n.outer = append(n.outer, []interval{*i})
	n.floor = append(n.floor, math.MinInt64)
	return place{n.pid, l.tid}
}

// around puts a span on a lane, if it overlaps none there.
func (n *nest) around(k int, i *interval) bool {
	outer := n.outer[k]
	inner := len(outer)
	for inner > 0 && i.isAround(outer[inner-1]) {
		inner--
	}
	free, begin := n.floor[k], i.begin
	if inner > 0 {
		free = outer[inner-1].end
	}
	if inner < len(outer) && outer[inner].begin <= begin {
		begin = max(outer[inner].begin-1, min(free, outer[inner].begin))
	}
	if free > begin {
		return false
	}
	i.begin = begin
	if outer = append(outer[:inner], *i); len(outer) > maxOuter {
		half := len(outer) / 2
		n.floor[k] = outer[half-1].end
		outer = append(outer[:0], outer[half:]...)
	}
	n.outer[k] = outer
	return true
}

// maxEarlier bounds how many microseconds earlier spans begin that are around others.
const maxEarlier = 16

// isAround reports whether a span may be around another that ended before.
func (i *interval) isAround(inner interval) bool {
	return inner.end <= i.end &&
		(inner.begin >= i.begin || inner.begin >= i.begin-maxEarlier && inner.end > i.begin)
}
