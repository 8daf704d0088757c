package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"h2trace/export/scan"
)

// goTrace sums up the spans that a go command writes with -debug-trace=FILE. Their clock is that of
// the wall, as in events.
type goTrace struct {
	read  scan.GoTrace
	spans byName[goSpan]
}

// goSpan is the tally of one kind of spans.
type goSpan struct {
	count          int64
	total, longest time.Duration
	at             []interval
}

// Bounds on the kinds of spans, and on the periods of each kind.
const (
	maxSpanKinds   = 64
	maxSpanPeriods = 1 << 14
)

// spanKinds names spans by how they begin.
var spanKinds = []struct{ prefix, name string }{
	{"Running ", "command"},
	{"modfetch.downloadZip ", "download zip"},
	{"modfetch.Unzip ", "unzip"},
	{"unzip ", "unzip"},
	{"modfetch.download ", "fetch module"},
	{"modload.Query", "query"},
	{"modload.query", "query"},
	{"queryLatest", "query"},
	{"modload.", "load modules"},
	{"walkPkgs ", "load modules"},
	{"load.", "load packages"},
	{"exec.Builder.Do ", "build"},
	{"InstallPackages ", "build"},
	{"Executing ", "action of a build"},
}

// kindOfSpan returns the kind of a span; those of an unknown kind are what their first word
// says.
func kindOfSpan(name string) string {
	for _, k := range spanKinds {
		if strings.HasPrefix(name, k.prefix) {
			return k.name
		}
	}
	name, _, _ = strings.Cut(name, " ")
	return name
}

// take takes a line, and reports whether it is one of a trace.
func (g *goTrace) take(line []byte) bool {
	return g.read.Take(line, func(s scan.GoSpan) { g.add(kindOfSpan(s.Name), interval{wallTime(s.Begin), wallTime(s.End)}) })
}

func (g *goTrace) add(kind string, i interval) {
	if g.spans.values == nil {
		g.spans = newByName[goSpan](maxSpanKinds)
	}
	s := g.spans.get(kind)
	if s == nil || i.end < i.begin {
		return
	}
	took := i.end.sub(i.begin)
	s.count++
	s.total += took
	s.longest = max(s.longest, took)
	if len(s.at) == maxSpanPeriods {
		if s.at = merged(s.at); len(s.at) == maxSpanPeriods {
			return
		}
	}
	s.at = append(s.at, i)
}

// end ends a file. A span that is open then has no end.
func (g *goTrace) end() { g.read.EndFile() }

// GoSpan is the tally of the spans of one kind of a go command. Wall is the time in which at
// least one was under way, and Own what of that is the time of the processes themselves.
type GoSpan struct {
	Span    string `json:"span"`
	Count   int64  `json:"count"`
	Total   Millis `json:"total_ms"`
	Longest Millis `json:"longest_ms"`
	Wall    Millis `json:"wall_ms"`
	Own     Millis `json:"own_ms"`
}

// report returns the spans. gaps are the times of the processes themselves, merged.
func (g *goTrace) report(gaps []interval) []GoSpan {
	list := []GoSpan{}
	for name, s := range g.spans.values {
		s.at = merged(s.at)
		out := GoSpan{Span: name, Count: s.count, Total: ms(s.total), Longest: ms(s.longest)}
		var wall, own time.Duration
		for _, i := range s.at {
			wall += i.end.sub(i.begin)
			own += overlap(gaps, i.begin, i.end)
		}
		out.Wall, out.Own = ms(wall), ms(own)
		list = append(list, out)
	}
	slices.SortFunc(list, func(a, b GoSpan) int {
		return cmp.Or(cmp.Compare(b.Own, a.Own), cmp.Compare(b.Total, a.Total), cmp.Compare(a.Span, b.Span))
	})
	return list
}

// evidence names the spans that were under way for most of the time of the processes
// themselves, besides the command as a whole.
func (g *goTrace) evidence(gaps []interval) []string {
	var parts []string
	for _, s := range g.report(gaps) {
		if s.Span != "command" && s.Own.duration() >= largeTime && len(parts) < 4 {
			parts = append(parts, s.Span+" "+human(s.Own.duration()))
		}
	}
	if parts == nil {
		return nil
	}
	return []string{"then the go command was at, by -debug-trace: " + strings.Join(parts, ", ")}
}

func (r *Report) spanTable() table {
	t := table{"What the go command did, by -debug-trace (ms; spans overlap)", [][]string{
		{"span", "count", "total", "longest", "wall", "of the process itself"},
	}}
	for _, s := range r.GoSpans {
		t.rows = append(t.rows, []string{clean(s.Span), fmt.Sprint(s.Count), number(s.Total), number(s.Longest), number(s.Wall), number(s.Own)})
	}
	return t
}
