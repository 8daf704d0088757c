package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The bounds on what is drawn, of all runs together. What is beyond them is in the sums, and
// the page says how much it is.
const (
	maxDrawnRuns      = 256
	maxDrawnProcesses = 2048
	maxDrawnConns     = 4096
	maxDrawn          = 10_000 // exchanges; a quarter more until some are dropped
	maxDrawnStalls    = 4096   // twice as many until some are dropped
	maxDrawnText      = 384    // bytes of a URL, or of all that is said of an exchange besides
)

// held counts what is held. Of windows, points are those of all, open is how many are, and ended
// how many have; when they are as many as prune, some are dropped.
type held struct{ processes, conns, exchanges, stalls, points, open, ended, prune int }

// leftOut counts what is not drawn.
type leftOut struct{ runs, processes, conns, exchanges, stalls, curves, points, pieces int64 }

// sentences says what is left out.
func (t *timeline) sentences() []string {
	l, loose, list := t.leftOut, int64(0), []string{}
	for _, d := range t.runs {
		for i := range d.exchanges {
			if d.exchanges[i].conn == notDrawn {
				loose++
			}
		}
	}
	add := func(n int64, one, more, why string) {
		if n > 0 {
			verb := "is"
			if n > 1 {
				verb = "are"
			}
			list = append(list, fmt.Sprintf("%s %s %s", several(n, one, more), verb, why))
		}
	}
	add(l.runs, "run", "runs", fmt.Sprintf("not drawn: those after the first %d", maxDrawnRuns))
	add(l.processes, "process", "processes", "not drawn: those that began last")
	add(l.conns, "connection", "connections", "not drawn: those that began last")
	add(l.exchanges, "exchange", "exchanges",
		fmt.Sprintf("not drawn: of more than %d, those that failed and the longest are", maxDrawn))
	add(loose, "exchange", "exchanges", "drawn without the connection: there are too many connections")
	add(l.stalls, "stall", "stalls", "not drawn: the shortest")
	add(l.curves, "window", "windows", "not drawn: those with most credit left")
	add(l.points, "change of a window", "changes of windows", "not drawn: too many streams were open at once")
	add(l.pieces, "short piece of the critical path", "short pieces of the critical path",
		"joined to the one before")
	return list
}

// dropExchanges drops those that say least until there are no more than maxDrawn.
func (t *timeline) dropExchanges() {
	over := t.held.exchanges - maxDrawn
	if over <= 0 {
		return
	}
	var ranks []int64
	all := t.all()
	for _, d := range all {
		for i := range d.exchanges {
			ranks = append(ranks, d.exchanges[i].rank())
		}
	}
	drops := lowest(ranks, over)
	for _, d := range all {
		d.exchanges = slices.DeleteFunc(d.exchanges, func(x drawnExchange) bool { return drops(x.rank()) })
	}
	t.leastRank = ranks[over]
	t.held.exchanges -= over
	t.leftOut.exchanges += int64(over)
}

// dropStalls keeps the longest.
func (t *timeline) dropStalls() {
	over := t.held.stalls - maxDrawnStalls
	if over <= 0 {
		return
	}
	var lengths []int64
	all := t.all()
	for _, d := range all {
		for _, s := range d.stalls {
			lengths = append(lengths, int64(s.length))
		}
	}
	drops := lowest(lengths, over)
	for _, d := range all {
		d.stalls = slices.DeleteFunc(d.stalls, func(s drawnStall) bool { return drops(int64(s.length)) })
	}
	t.held.stalls -= over
	t.leftOut.stalls += int64(over)
}

// lowest sorts ranks, and returns a function that reports, called once for each of them, whether it
// is one of the n lowest. Of equal ranks, it takes the first.
func lowest(ranks []int64, n int) func(rank int64) bool {
	slices.Sort(ranks)
	least, equal := ranks[n], 0
	for _, r := range ranks[:n] {
		if r == least {
			equal++
		}
	}
	return func(rank int64) bool {
		if rank == least && equal > 0 {
			equal--
			return true
		}
		return rank < least
	}
}

// all returns the runs, and those that have not ended.
func (t *timeline) all() []*drawnRun {
	list := slices.Clone(t.runs)
	for _, l := range slices.SortedFunc(maps.Keys(t.logs), func(a, b *xlog) int { return cmp.Compare(a.pid, b.pid) }) {
		list = append(list, t.logs[l])
	}
	if t.now != nil {
		list = append(list, t.now)
	}
	return list
}

// forget drops a run.
func (t *timeline) forget(d *drawnRun) {
	t.held.processes -= len(d.processes)
	t.held.conns -= len(d.conns)
	t.held.exchanges -= len(d.exchanges)
	t.held.stalls -= len(d.stalls)
	for i := range d.conns {
		for _, one := range d.conns[i].curves {
			t.held.points -= len(one.points)
			t.held.ended--
		}
	}
}

// short returns a text in maxDrawnText bytes, without what a screen acts on.
func short(s string) string { return shortTo(s, maxDrawnText) }

// shortTo returns a text in some bytes, without what a screen acts on.
func shortTo(s string, bytes int) string {
	if len(s) > bytes {
		s = strings.ToValidUTF8(s[:max(bytes, 0)], "") + "…"
	}
	return clean(s)
}
