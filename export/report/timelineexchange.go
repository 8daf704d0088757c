package report

import (
	"time"

	"h2trace/export/scan"
)

// drawnExchange is a request and its response.
type drawnExchange struct {
	event         int64
	begin         wallTime
	total         time.Duration // negative if it is not known
	phases        [phaseTotal]time.Duration
	stalled       time.Duration
	process, conn int // -1 if there is none, notDrawn if it is beyond the bounds
	stream        int64
	// Places of names.
	method, origin, kind, class int
	path                        string
	failed                      bool
	status, bytes               int64
	critical                    bool // on the critical path
	facts                       [][2]string
}

// notDrawn is the place of what is beyond the bounds.
const notDrawn = -2

// unknownLength is a time that is not known.
const unknownLength = -time.Microsecond

// rank orders exchanges by how much they say.
func (x *drawnExchange) rank() int64 {
	rank := min(int64(max(x.total, 0)), 1<<61-1)
	if x.failed {
		rank |= 1 << 61
	}
	if x.critical {
		rank |= 1 << 62
	}
	return rank
}

func (t *timeline) exchange(e *exchangeEvent, of *run) {
	d := t.now
	x := drawnExchange{
		event: of.event, begin: e.at.add(-e.phases[phaseTotal]), total: e.phases[phaseTotal], stalled: e.recv + e.send,
		process: t.process(&e.head, false), failed: e.class != nil, status: e.status, bytes: e.bytes,
	}
	if !e.known[phaseTotal] {
		x.total = unknownLength
	}
	if !e.stallKnown {
		x.stalled = unknownLength
	}
	if !e.bytesKnown {
		x.bytes = -1
	}
	x.stream, _ = scan.Integer(e.stream)
	t.ofConn(&x, e)
	if x.rank() <= t.leastRank {
		t.leftOut.exchanges++
		return
	}
	for i := range x.phases {
		if x.phases[i] = e.phases[i]; !e.known[i] {
			x.phases[i] = unknownLength
		}
	}
	x.method, x.kind, x.facts = t.names.of(e.method), t.names.of(e.kind), factsOf(e)
	if x.failed {
		x.class = t.names.place([]byte(e.className()))
	}
	x.origin, x.path = t.names.cut(scan.Bytes(e.url))
	t.hold(d, x)
}

// ofConn finds the connection of an exchange, and ends its stream there. A connection that was
// not seen to open begins with its first exchange.
func (t *timeline) ofConn(x *drawnExchange, e *exchangeEvent) {
	x.conn = t.now.conn(e.conn)
	if id := scan.Text(e.conn); x.conn < 0 && id != "" {
		x.conn = notDrawn
		if t.held.conns < maxDrawnConns {
			x.conn = t.addConn(drawnConn{
				id: short(id), peer: short(proxyOf(scan.Text(e.url))), process: x.process, begin: x.begin, end: e.at,
			})
			t.now.open[string(e.conn)] = x.conn
		}
	}
	if x.conn >= 0 {
		c := &t.now.conns[x.conn]
		c.end = max(c.end, e.at)
		c.endStream(t, x.stream)
	}
}

// hold keeps an exchange.
func (t *timeline) hold(d *drawnRun, x drawnExchange) {
	d.exchanges = append(d.exchanges, x)
	if t.held.exchanges++; t.held.exchanges == maxDrawn+maxDrawn/4 {
		t.dropExchanges()
	}
}

// factsOf returns what few exchanges have, in maxDrawnText bytes.
func factsOf(e *exchangeEvent) (list [][2]string) {
	room := maxDrawnText
	fact := func(name, text string) {
		if text = shortTo(text, room); text != "" && room > 0 {
			list = append(list, [2]string{name, text})
			room -= len(text)
		}
	}
	if e.open {
		fact("end", "it had not ended when the observation did")
	}
	fact("error", scan.Text(e.detail))
	fact("through", scan.Text(e.via))
	fact("next proxy", scan.Text(e.next))
	fact("repeats one that ended by", scan.Text(e.after))
	fact("cache", scan.Text(e.cache))
	fact("retry after", scan.Text(e.retryAfter))
	return list
}

// drawnStall is a period in which flow control stalled a stream, or a connection.
type drawnStall struct {
	conn   int
	stream int64
	recv   bool
	begin  wallTime
	length time.Duration
}

func (t *timeline) stall(e *stallEvent) {
	s := drawnStall{
		conn: t.now.conn(e.conn), recv: e.recv, begin: e.at.add(-e.length), length: e.length,
	}
	s.stream, _ = scan.Integer(e.stream)
	if at, ok := t.times.Parse(e.start); ok {
		s.begin = wallTime(at)
	}
	if s.conn < 0 {
		t.leftOut.stalls++
		return
	}
	t.now.stalls = append(t.now.stalls, s)
	if t.held.stalls++; t.held.stalls == 2*maxDrawnStalls {
		t.dropStalls()
	}
}
