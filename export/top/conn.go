package top

import (
	"time"

	"h2trace/export/scan"
)

// conn is a connection that events are about.
type conn struct {
	meter
	id, name    string   // as in events, and for a screen
	process     *process // nil if it has no row
	peer, proto string
	note        string
	client      bool
	moved       bool // its bytes count as they go
	window      Window
	streams     map[int64]*request // in flight, of HTTP/2
	pipeline    []*request         // in flight, of HTTP/1.x
	opening     request            // of the last frame, if it is on no stream of these
	beyond      int64              // in flight, and without a row
	ended       time.Time
	bad         bool
}

// newConn returns a new connection, nil if there is no room for it.
func (m *Model) newConn(id string, p *process) *conn {
	m.ever.conns++
	if len(m.conns) >= maxConns {
		m.ever.unlisted++
		return nil
	}
	c := &conn{id: id, name: safe([]byte(id)), process: p, streams: make(map[int64]*request)}
	m.conns[id] = c
	if p != nil {
		p.open++
	}
	return c
}

// connection takes what is said of a connection.
func (m *Model) connection(e *scan.Object, ns int64) {
	action := string(e.Word("action"))
	if action == "failed" {
		m.ever.unconnected++
		return
	}
	if len(e.Word("conn")) == 0 {
		return // a query of a name, or a silent connection
	}
	_, c := m.owners(e)
	if c == nil {
		return
	}
	c.describe(e)
	if action == "close" {
		c.close(e, ns)
		m.closed(c)
	}
}

// describe notes what a connection is.
func (c *conn) describe(e *scan.Object) {
	if v := e.Word("protocol"); len(v) > 0 {
		c.proto = safe(v)
	}
	c.client = string(e.Word("role")) != "server"
	if v := scan.Bytes(e.Within("tls", "sni")); len(v) > 0 && c.client {
		c.peer = safe(v)
	} else if v := e.Word("name"); len(v) > 0 && c.client {
		c.peer = safe(v)
	} else if v := e.Word("remote"); len(v) > 0 {
		c.peer = safe(v)
	}
	if v := e.Word("reason"); len(v) > 0 {
		c.note = safe(v)
	}
}

// close counts the bytes of a connection whose frames are not seen.
func (c *conn) close(e *scan.Object, ns int64) {
	c.ended = time.Unix(0, ns)
	if c.Frames == 0 {
		c.Bytes.Sent = max(c.Bytes.Sent, count(e.Get("bytes_sent")))
		c.Bytes.Received = max(c.Bytes.Received, count(e.Get("bytes_received")))
		c.before.Bytes = c.Bytes // nobody knows when they went
	}
	if e.Has("error") {
		c.bad = true
		c.note = safe(scan.Bytes(e.Within("error", "detail")))
	}
}

// closed lets go of a connection.
func (m *Model) closed(c *conn) {
	delete(m.conns, c.id)
	if m.latest == c {
		m.latest = nil
	}
	m.requests -= len(c.streams) + len(c.pipeline)
	for _, to := range m.meters(c.process, nil) {
		to.InFlight -= c.InFlight
	}
	c.streams, c.pipeline, c.InFlight = nil, nil, 0
	if c.process != nil {
		c.process.open--
	}
	m.ended.conns = keep(m.ended.conns, c)
}

func (c *conn) row() Row {
	r := Row{
		Key: c.id, Conn: c.name, Peer: c.peer, Proto: c.proto, Note: c.note, Counters: c.Counters, Rates: c.rates,
		InFlight: c.InFlight, Ended: c.ended, Bad: c.bad, Window: c.window,
	}
	if p := c.process; p != nil {
		r.Process, r.PID, r.Command = p.key, p.pid, p.command
	}
	return r
}
