package top

import (
	"sync"
	"time"

	"h2trace/export/scan"
)

// What a Model keeps at most. Of what ended, it keeps the latest.
const (
	maxProcesses = 4 << 10
	maxConns     = 16 << 10
	maxRequests  = 16 << 10 // in flight
	maxEnded     = 512      // of each kind
)

// Model is the state of an observation. It is safe for concurrent use.
type Model struct {
	mu    sync.Mutex
	event scan.Object
	times scan.Times

	total     meter
	processes map[int]*process
	gone      map[int]*process // that ended, and whose connections may still be told of
	conns     map[string]*conn
	latest    *conn // of the last event
	requests  int   // in flight that have a row
	beyond    int   // in flight, on connections without a row

	ended struct {
		processes []*process
		conns     []*conn
		requests  []*request
	}
	ever struct{ processes, conns, unconnected, unlisted int64 }

	ticked time.Time
	whole  bool // the rates are those of the whole observation
}

// New returns the Model of an observation that begins at a time.
func New(now time.Time) *Model {
	return &Model{processes: make(map[int]*process), gone: make(map[int]*process), conns: make(map[string]*conn), ticked: now}
}

// Add takes the line of an event. It ignores what is none. It does not keep line.
func (m *Model) Add(line []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := &m.event
	if !e.Parse(line) {
		return
	}
	ns, ok := m.times.Parse(e.Get("ts"))
	if !ok {
		return
	}
	switch string(e.Word("event")) {
	case "frame":
		m.frame(e)
	case "request":
		m.request(e, ns)
	case "exchange":
		m.exchange(e, ns)
	case "conn":
		m.connection(e, ns)
	case "process":
		m.process(e, ns)
	case "stall":
		m.stall(e)
	case "loss":
		m.loss(e)
	}
}

// meters returns those that an event counts for: of all, of its process, and of its connection
// if that has a row.
func (m *Model) meters(p *process, c *conn) []*meter {
	list := [...]*meter{&m.total, nil, nil}
	n := 1
	if p != nil {
		list[n], n = &p.meter, n+1
	}
	if c != nil {
		list[n], n = &c.meter, n+1
	}
	return list[:n]
}

// frame counts a frame, and notes the windows.
func (m *Model) frame(e *scan.Object) {
	p, c := m.owners(e)
	dir := e.Word("dir")
	stream, _ := scan.Integer(e.Get("stream"))
	const header = 9 // RFC 9113 §4.1
	n := Pair{Received: count(e.Get("length")) + header}
	if string(dir) == "send" {
		n.Sent, n.Received = n.Received, 0
	}
	for _, to := range m.meters(p, c) {
		to.Frames++
		to.Bytes.add(n)
	}
	if c == nil {
		return
	}
	r := c.streams[stream]
	if r == nil { // the request event follows the frame
		c.opening = request{stream: stream}
		r = &c.opening
	}
	r.bytes.add(n)
	scan.Members(e.Get("window"), func(key, v []byte) {
		var left Credit
		left.Bytes, left.Known = scan.Integer(v)
		switch string(key) {
		case "conn_send":
			c.window.Send = left
		case "conn_recv":
			c.window.Receive = left
		case "stream_send":
			r.window.Send = left
		case "stream_recv":
			r.window.Receive = left
		}
	})
}

// Moved counts bytes that go on a connection in no frame, as they do with HTTP/1.x. Without it,
// they count when an exchange ends.
func (m *Model) Moved(conn []byte, sent bool, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.conns[string(conn)]
	if c == nil || n < 0 {
		return // it is not known yet: there is not much so far
	}
	moved := Pair{Received: n}
	if sent {
		moved = Pair{Sent: n}
	}
	c.moved = true
	for _, to := range m.meters(c.process, c) {
		to.Bytes.add(moved)
	}
	if len(c.pipeline) > 0 {
		c.pipeline[0].bytes.add(moved)
	}
}

func (p *Pair) add(n Pair) { p.Sent, p.Received = p.Sent+n.Sent, p.Received+n.Received }

// stall counts a time without credit, when it is over.
func (m *Model) stall(e *scan.Object) {
	p, c := m.owners(e)
	took, _ := scan.Millis(e.Get("stall_ms"))
	for _, to := range m.meters(p, c) {
		to.Stalls++
		to.Stalled += took
	}
}

// loss counts records that are missing.
func (m *Model) loss(e *scan.Object) {
	n := max(count(e.Get("records")), 1) // of some, the number is not known
	c := m.conns[string(e.Word("conn"))]
	var p *process
	if c != nil {
		p = c.process
	}
	for _, to := range m.meters(p, c) {
		to.Lost += n
	}
}

// owners returns the process and the connection of an event, which are made if there is room.
// The connection is nil if the event has none.
func (m *Model) owners(e *scan.Object) (*process, *conn) {
	pid, _ := scan.Integer(e.Get("pid"))
	comm := e.Word("comm")
	id := e.Word("conn")
	if c := m.latest; c != nil && len(id) > 0 && c.id == string(id) {
		return c.process, c
	}
	p := m.processOf(int(pid), comm)
	if len(id) == 0 {
		return p, nil
	}
	c := m.conns[string(id)]
	if c == nil {
		if c = m.newConn(string(id), p); c == nil {
			return p, nil
		}
	}
	m.latest = c
	return c.process, c
}

// Tick sets the rates to those since the last Tick, or since the Model was made.
func (m *Model) Tick(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if over := now.Sub(m.ticked); over > 0 && !m.whole {
		m.each(func(t *meter) { t.tick(over) })
		m.ticked = now
	}
}

// Whole sets the rates to those of the whole observation, which took some time. A Tick does not
// change them any more.
func (m *Model) Whole(took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.whole = true
	m.each(func(t *meter) { t.rates = ratesOf(&t.Counters, &Counters{}, took) })
}

func (m *Model) each(f func(*meter)) {
	f(&m.total)
	for _, p := range m.processes {
		f(&p.meter)
	}
	for _, p := range m.ended.processes {
		f(&p.meter)
	}
	for _, c := range m.conns {
		f(&c.meter)
	}
	for _, c := range m.ended.conns {
		f(&c.meter)
	}
}

// keep appends what ended, and drops the first ones where they are too many.
func keep[T any](list []T, ended T) []T {
	if list = append(list, ended); len(list) >= 2*maxEnded {
		list = append(list[:0:0], list[len(list)-maxEnded:]...)
	}
	return list
}

// latestOf returns those of what ended that are kept.
func latestOf[T any](list []T) []T { return list[max(0, len(list)-maxEnded):] }
