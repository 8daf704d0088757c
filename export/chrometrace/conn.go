package chrometrace

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"h2trace/export/scan"
)

// conn is a connection, and its lanes.
type conn struct {
	id     string
	opened bool
	set    setup
	label  string

	own, requests, stalls lanes
	open                  map[string]*request // by stream, as written
	send, recv            window
}

// setup is when a connection was made.
type setup struct {
	at, connect, tls interval // connect and tls may be empty
}

// connOf returns the connection of the event, or nil if it has none.
func (t *Trace) connOf() *conn {
	id := t.event.Word("conn")
	if len(id) == 0 || len(id) > maxID {
		return nil
	}
	if c, ok := t.conns.lru.Get(string(id)); ok {
		return c
	}
	return t.newConn(string(id), t.processOf())
}

func (t *Trace) newConn(id string, p *process) *conn {
	order := orderConns + 3*p.conns
	p.conns++
	c := &conn{
		id:       id,
		label:    id,
		own:      lanes{pid: p.pid, name: id, order: order},
		requests: lanes{pid: p.pid, name: id + " requests", order: order + 1},
		stalls:   lanes{pid: p.pid, name: id + " stalls", order: order + 2},
	}
	t.conns.lru.Add(id, c)
	return c
}

// conn takes a conn event.
func (t *Trace) conn() {
	switch action := string(t.event.Word("action")); action {
	case "dns":
		t.lookup()
	case "failed":
		t.failed()
	case "silent":
		t.silent()
	case "open":
		t.connOpened()
	case "close":
		if c := t.connOf(); c != nil {
			t.connClosed(c, microsOf(t.at), &t.event)
		}
	default: // resync
		t.mark()
	}
}

// connOpened takes a new connection, or one that was joined.
func (t *Trace) connOpened() {
	c := t.connOf()
	if c == nil {
		return
	}
	if c.opened { // it is another of that id
		t.conns.lru.Remove(c.id)
		c = t.newConn(c.id, t.processOf())
	}
	e, at := &t.event, microsOf(t.at)
	connect, tls := millis(e.Get("connect_ms")), millis(e.Get("tls_ms"))
	c.opened = true
	c.set = setup{connect: before(t.at, connect), tls: interval{at, microsOf(t.at + int64(tls))}}
	c.set.at = interval{c.set.connect.begin, max(at, c.set.tls.end)}
	if peer := t.peer(); peer != "" {
		c.label = c.id + " " + cut(peer)
	}
	if len(c.own.list) == 0 {
		c.own.name = c.label
	}
}

// millis returns a time that is not negative, 0 for null.
func millis(v []byte) time.Duration {
	d, _ := scan.Millis(v)
	return max(d, 0)
}

// connClosed draws a connection that ends, with what its last event says, if that was seen.
func (t *Trace) connClosed(c *conn, at micros, e *scan.Object) {
	if !c.opened {
		return
	}
	c.opened = false
	i := interval{c.set.at.begin, max(at, c.set.at.begin)}
	lane := t.fit(&c.own, i)
	t.out.span(c.label, "conn", lane, i)
	if e != nil {
		t.out.args(e, "conn", "protocol", "role", "local", "remote", "name", "via", "joined", "source",
			"reason", "tls", "dns_ms", "bytes_sent", "bytes_received", "frames", "rtt_ms", "min_rtt_ms",
			"retransmits", "out_of_order", "unread_bytes", "unsent_bytes", "error")
	}
	t.out.end()
	t.part("connect", lane, c.set.connect.within(i))
	t.part("tls", lane, c.set.tls.within(i))
}

// part draws a phase, if it took time.
func (t *Trace) part(name string, at place, i interval) {
	if i.end > i.begin {
		t.out.span(name, "phase", at, i)
		t.out.end()
	}
}

// connEnded draws what is open of a connection at the end of a recording.
func (t *Trace) connEnded(c *conn) {
	for _, r := range slices.SortedFunc(maps.Values(c.open), (*request).compare) {
		t.unfinished(c, r)
	}
	c.open = nil
	t.connClosed(c, max(t.last, c.set.at.end), nil)
	t.lanes -= len(c.own.list) + len(c.requests.list) + len(c.stalls.list)
}

// lookup draws a query to a name server.
func (t *Trace) lookup() {
	e, p := &t.event, t.processOf()
	i := before(t.at, millis(e.Get("dns_ms")))
	t.out.span(cut(e.Text("type")+" "+e.Text("name")), "dns", t.fit(&p.lookups, i), i)
	t.out.args(e, "remote", "rcode", "answers")
	t.out.end()
}

// failed draws a connection that was not established, and its phases.
func (t *Trace) failed() {
	e, p := &t.event, t.processOf()
	phases := [...]struct {
		name string
		took time.Duration
	}{
		{"dns", millis(e.Get("dns_ms"))},
		{"connect", millis(e.Get("connect_ms"))},
		{"tls", millis(e.Get("tls_ms"))},
	}
	i := before(t.at, phases[0].took+phases[1].took+phases[2].took)
	lane := t.fit(&p.failed, i)
	t.out.span(cut(t.complaint()+" "+t.peer()), "conn", lane, i)
	t.out.args(e, "name", "local", "remote", "error", "via", "tls", "proxy", "next", "barred")
	t.out.end()
	ns := t.at - int64(phases[0].took+phases[1].took+phases[2].took)
	for _, f := range phases {
		from := ns
		ns += int64(f.took)
		t.part(f.name, lane, interval{microsOf(from), microsOf(ns)}.within(i))
	}
}

// silent draws a connection without data.
func (t *Trace) silent() {
	e, p := &t.event, t.processOf()
	i := before(t.at, millis(e.Get("silent_ms")))
	t.out.span(cut("silent "+t.peer()), "conn", t.fit(&p.failed, i), i)
	t.out.args(e, "local", "remote", "name", "via", "proxy", "state", "last", "bytes_sent",
		"bytes_received")
	t.out.end()
}

// peer names the peer of the event.
func (t *Trace) peer() string {
	if name := t.event.Text("name"); name != "" {
		return name
	}
	return t.event.Text("remote")
}

// stall draws the time in which a stream or a connection had no credit.
func (t *Trace) stall() {
	e, c := &t.event, t.connOf()
	if c == nil {
		return
	}
	d := millis(e.Get("stall_ms"))
	i := before(t.at, d)
	if start, ok := t.times.Parse(e.Get("start")); ok {
		i = interval{microsOf(start), microsOf(start + int64(d))}
		i.end = max(i.begin, i.end)
	}
	stream, _ := scan.Integer(e.Get("stream"))
	name := cut(e.Text("side")) + ", stream " + strconv.FormatInt(stream, 10)
	if stream == 0 {
		name = cut(e.Text("side")) + ", connection"
	}
	t.out.span(name, "stall", t.fit(&c.stalls, i), i)
	t.out.args(e, "stream", "side", "window", "ended_by")
	t.out.end()
}
