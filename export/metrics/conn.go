package metrics

import "h2trace/export/scan"

// The label values of what an observed process is on a connection.
var roles = []string{"client", "server"}

// The sides whose windows are used up.
const (
	recvWindow = "recv_window"
	sendWindow = "send_window"
)

var sides = []string{recvWindow, sendWindow}

// conn is a connection that is open, or at least not known to be closed.
type conn struct {
	server bool // the process is
	opened bool
	stray  bool          // nobody keeps it
	to     *serverSeries // nil before the first request
}

// connOf returns the connection that an event is of. Beyond the limit it is one that nobody keeps.
func (r *Recorder) connOf(e *scan.Object) *conn {
	id := e.Word("conn")
	if c := r.conns[string(id)]; c != nil {
		return c
	}
	if len(r.conns) >= MaxConns {
		r.vectors.limitsOfCounting.WithLabelValues(limitConns).Inc()
		return &conn{stray: true}
	}
	c := &conn{stray: len(id) == 0}
	if !c.stray {
		r.conns[string(id)] = c
	}
	return c
}

// carries counts a connection at its first request.
func (c *conn) carries(s *serverSeries, v *vectors) {
	if c.to == nil && !c.stray {
		c.to = s
		s.counter(&s.conns, v.conns).Inc()
	}
}

// conn takes what is said of a connection.
func (r *Recorder) conn(e *scan.Object) {
	switch string(e.Word("action")) {
	case "open":
		c := r.connOf(e)
		c.server = string(e.Word("role")) == "server"
		c.opened = true
		r.vectors.openConns.WithLabelValues(c.role()).Inc()
	case "failed":
		r.failed(e)
	case "close":
		r.closed(e)
	}
}

func (c *conn) role() string {
	if c.server {
		return "server"
	}
	return "client"
}

// failed counts a connection that was not made.
func (r *Recorder) failed(e *scan.Object) {
	if string(e.Word("role")) == "server" {
		return
	}
	to := remoteAddress(e.Text("name"), e.Text("remote"))
	if proxy := e.Word("proxy"); len(proxy) > 0 {
		to = r.servers.origin(proxy)
	}
	r.vectors.failedConns.WithLabelValues(r.servers.get(to).host, classOf(e)).Inc()
}

// closed counts what TCP knows of a connection in the end.
func (r *Recorder) closed(e *scan.Object) {
	id := string(e.Word("conn"))
	c := r.conns[id]
	if c == nil {
		return
	}
	delete(r.conns, id)
	if c.opened {
		r.vectors.openConns.WithLabelValues(c.role()).Dec()
	}
	s, v := c.to, &r.vectors
	if s == nil {
		return
	}
	s.counter(&s.retransmits, v.retransmits).Add(number(e.Get("retransmits")))
	s.counter(&s.outOfOrder, v.outOfOrder).Add(number(e.Get("out_of_order")))
	s.counter(&s.sent, v.segments, "send").Add(number(e.Get("segments_sent")))
	s.counter(&s.received, v.segments, "recv").Add(number(e.Get("segments_received")))
}

// stall counts a time in which flow control stalled a sender.
func (r *Recorder) stall(e *scan.Object) {
	by := sendWindow
	if string(e.Word("side")) == recvWindow {
		by = recvWindow
	}
	r.vectors.stalls.WithLabelValues(by).Inc()
	if took, ok := duration(e.Get("stall_ms")); ok {
		r.vectors.stallTime.WithLabelValues(by).Add(took.Seconds())
	}
	if window, ok := scan.Integer(e.Get("window")); ok {
		r.vectors.stallWindow.WithLabelValues(by).Observe(float64(max(window, 0)))
	}
}
