package chrometrace

import (
	"math"
	"strconv"
	"time"

	"h2trace/export"
)

// micros is a time in microseconds since 1970.
type micros int64

// microsOf leaves out the rest of a microsecond: what was in order stays so.
func microsOf(ns int64) micros { return micros(ns / 1e3) }

// interval is a time from begin to end, which is not before it.
type interval struct{ begin, end micros }

// before returns the interval of a duration that ends at a time.
func before(ns int64, d time.Duration) interval {
	i := interval{microsOf(ns - int64(d)), microsOf(ns)}
	i.begin = min(i.begin, i.end)
	return i
}

// within cuts an interval to another.
func (i interval) within(outer interval) interval {
	begin := min(max(i.begin, outer.begin), outer.end)
	return interval{begin, max(begin, min(i.end, outer.end))}
}

// lane is a thread of a trace: its spans do not overlap.
type lane struct {
	tid    int64
	number int    // in its group, from 1
	end    micros // of its last span
	busy   bool   // a request on it is under way
}

// lanes are those for spans of one kind of a process or a connection.
type lanes struct {
	pid   int64
	name  string
	order int
	list  []*lane
	added int
}

// The bounds on the lanes that more spans are put on, of a group and of all. A group always has one.
const (
	maxLanes    = 1 << 10
	maxAllLanes = 1 << 17
)

// firstThread is the id of the first lane. Linux has none above 1<<22 (pid_max in proc(5)).
const firstThread = 5_000_001

// fit returns a lane that has nothing after the begin of i, and puts i on it. Of several it is the
// one with the latest end: then as few lanes are needed as can be, when spans come in the order of
// their ends.
func (t *Trace) fit(g *lanes, i interval) place {
	l := t.free(g, i.begin)
	l.end = i.end
	return place{g.pid, l.tid}
}

// first returns the first lane of a group, for what takes no time.
func (t *Trace) first(g *lanes) place {
	if len(g.list) == 0 {
		t.free(g, math.MinInt64)
	}
	return place{g.pid, g.list[0].tid}
}

// free returns a lane on which nothing is under way at a time, nor ends after it.
func (t *Trace) free(g *lanes, at micros) *lane {
	var best, oldest *lane
	for _, l := range g.list {
		if !l.busy && l.end <= at && (best == nil || l.end > best.end) {
			best = l
		}
		if oldest == nil || l.end < oldest.end {
			oldest = l
		}
	}
	if best != nil {
		return best
	}
	if n := len(g.list); n == maxLanes || n > 0 && t.lanes >= maxAllLanes {
		t.add(g, oldest)
		return oldest
	}
	return t.newLane(g)
}

// newLane adds a lane to a group.
func (t *Trace) newLane(g *lanes) *lane {
	l := &lane{}
	g.list = append(g.list, l)
	t.lanes++
	t.add(g, l)
	return l
}

// add makes a lane the next one of a group.
func (t *Trace) add(g *lanes, l *lane) {
	g.added++
	*l = lane{end: math.MinInt64, tid: t.threads + firstThread, number: g.added}
	t.threads++
	p := place{g.pid, l.tid}
	t.out.metadata("thread_name", "name", p, export.AppendString(nil, g.label(l)))
	t.out.metadata("thread_sort_index", "sort_index", p, strconv.AppendInt(nil, int64(g.order), 10))
}

// label names a lane.
func (g *lanes) label(l *lane) string {
	if l.number == 1 {
		return g.name
	}
	return g.name + " " + strconv.Itoa(l.number)
}
