package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"h2trace/export/report/page"
)

// since returns a time as the page counts it, or -1 if it is not known.
func (d *drawnRun) since(at wallTime) int64 {
	if at == 0 {
		return -1
	}
	return at.sub(d.begin).Microseconds()
}

// micros returns a length as the page counts it, or -1 if it is not known.
func micros(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Microseconds()
}

// page returns the run as the page has it.
func (d *drawnRun) page(number int) *page.Run {
	r := &page.Run{
		Name: d.name(number), Wall: micros(d.end.sub(d.begin)),
		Clock: d.clock, Processes: []page.Process{}, Conns: []page.Conn{}, Stalls: []page.Stall{},
	}
	for _, n := range d.spent {
		r.Spent = append(r.Spent, micros(n))
	}
	of := make(map[int64]place, len(d.exchanges))
	for i, p := range d.processes {
		of[p.event] = place{page.OfProcess, i}
		begin := d.since(p.begin)
		if p.begin == 0 || p.begin < d.begin {
			begin = 0
		}
		r.Processes = append(r.Processes, page.Process{
			PID: p.pid, PPID: p.ppid, Name: p.name, Exe: p.exe, Begin: begin, End: d.since(p.end),
			Exit: p.exit, Note: p.note,
		})
	}
	for i := range d.conns {
		c := &d.conns[i]
		of[c.event] = place{page.OfConn, i}
		r.Conns = append(r.Conns, d.pageConn(c))
	}
	r.Exchanges = d.pageExchanges(of)
	for _, s := range d.stalls {
		r.Stalls = append(r.Stalls, page.Stall{
			Conn: s.conn, Stream: s.stream, Recv: s.recv, Begin: d.since(s.begin), Length: micros(s.length),
		})
	}
	slices.SortFunc(r.Stalls, func(a, b page.Stall) int { return cmp.Compare(a.Begin, b.Begin) })
	r.Path = d.pagePath(of)
	return r
}

// place is what a piece of the critical path is of.
type place struct{ of, at int }

func (d *drawnRun) pageConn(c *drawnConn) page.Conn {
	out := page.Conn{
		ID: c.id, Process: c.process, Peer: c.peer, Begin: d.since(c.begin), End: d.since(c.end), Server: c.server, Failed: c.failed,
		Facts: c.facts,
	}
	for i, n := range c.phases {
		out.Phases[i] = micros(n)
	}
	for _, one := range c.curves {
		curve := &page.Curve{Stream: one.stream, Recv: one.recv, Thinned: one.thinned}
		for _, p := range one.points {
			curve.At = append(curve.At, d.since(p.at))
			curve.Bytes = append(curve.Bytes, p.bytes)
		}
		out.Curves = append(out.Curves, curve)
	}
	return out
}

func (d *drawnRun) pageExchanges(of map[int64]place) page.Exchanges {
	slices.SortStableFunc(d.exchanges, func(a, b drawnExchange) int { return cmp.Compare(a.begin, b.begin) })
	x := page.Exchanges{Facts: make(map[int][][2]string)}
	for i := range d.exchanges {
		e := &d.exchanges[i]
		of[e.event] = place{page.OfExchange, i}
		x.Begin = append(x.Begin, d.since(e.begin))
		x.Total = append(x.Total, micros(e.total))
		for _, n := range e.phases {
			x.Phases = append(x.Phases, micros(n))
		}
		x.Stalled = append(x.Stalled, micros(e.stalled))
		x.Process = append(x.Process, e.process)
		x.Conn = append(x.Conn, e.conn)
		x.Stream = append(x.Stream, e.stream)
		x.Method = append(x.Method, e.method)
		x.Origin = append(x.Origin, e.origin)
		x.Path = append(x.Path, e.path)
		x.Kind = append(x.Kind, e.kind)
		x.Class = append(x.Class, e.class)
		x.Status = append(x.Status, e.status)
		x.Bytes = append(x.Bytes, e.bytes)
		if e.facts != nil {
			x.Facts[i] = e.facts
		}
	}
	return x
}

func (d *drawnRun) pagePath(of map[int64]place) (out page.Path) {
	for _, p := range d.pieces {
		var at place
		if p.event != 0 {
			at = of[p.event]
		}
		out.Begin = append(out.Begin, d.since(p.begin))
		out.Length = append(out.Length, micros(p.length()))
		out.Part = append(out.Part, p.part)
		out.Of = append(out.Of, at.of)
		out.At = append(out.At, at.at)
	}
	return out
}

// name names a run by its command, when it began, and its labels.
func (d *drawnRun) name(number int) string {
	name := "run " + decimal(int64(number))
	if !d.clock {
		return name + ", log of go -x"
	}
	if len(d.processes) > 0 && d.processes[0].name != "" {
		name += ", " + d.processes[0].name
	}
	name += ", " + clock(d.begin)
	for _, key := range slices.Sorted(maps.Keys(d.labels)) {
		name += ", " + short(key+"="+d.labels[key])
	}
	return name
}
