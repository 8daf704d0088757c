package metrics

import (
	"cmp"

	"h2trace/export/scan"
)

// The label values of what an observed process is on a connection.
const (
	clientRole  = "client"
	serverRole  = "server"
	unknownRole = "unknown" // yet, or as there were too many connections
)

var (
	allRoles = []string{unknownRole, clientRole, serverRole}
	roles    = allRoles[1:] // that events have
)

// The sides whose windows are used up.
const (
	recvWindow = "recv_window"
	sendWindow = "send_window"
)

var sides = []string{recvWindow, sendWindow}

// conn is a connection that is open, or at least not known to be closed.
type conn struct {
	role   string        // of the process, as an event has it; "" is unknown
	opened string        // the role that openConns counts it for; "" if it does not
	stray  bool          // nobody keeps it
	to     *serverSeries // nil before the first request
}

// connOf returns the connection that an event is of. Beyond the limit it is one that nobody keeps.
// So is one that may have been opened beyond the limit: to keep it now would make that forgotten.
func (r *Recorder) connOf(e *scan.Object, opens bool) *conn {
	id := e.Word("conn")
	if c := r.conns[string(id)]; c != nil {
		return c
	}
	if len(r.conns) >= maxConns || !opens && r.strays.any() {
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
		r.opened(e)
	case "failed":
		r.failed(e)
	case "close":
		r.closed(e)
	}
}

// opened counts a connection as open.
func (r *Recorder) opened(e *scan.Object) {
	role := roleOf(e)
	c := r.connOf(e, true)
	if c.opened != "" {
		return
	}
	c.role, c.opened = role, cmp.Or(role, unknownRole)
	r.vectors.openConns.WithLabelValues(c.opened).Inc()
	if c.stray {
		r.strays[c.opened]++
	}
}

// strays counts the open connections that nobody keeps, by the role that openConns counts them for.
type strays map[string]int

func (s strays) any() bool {
	for _, n := range s {
		if n > 0 {
			return true
		}
	}
	return false
}

// close returns for which role one of them was counted that is closed: its own, if it was known
// when it was opened.
func (s strays) close(role string) (counted string, ok bool) {
	for _, counted := range append([]string{role}, allRoles...) {
		if s[counted] > 0 {
			s[counted]--
			return counted, true
		}
	}
	return "", false
}

// roleOf returns the role that an event has, "" if it has none.
func roleOf(e *scan.Object) string { return oneOf(roles, e.Word("role"), "") }

// failed counts a connection that was not made.
func (r *Recorder) failed(e *scan.Object) {
	if roleOf(e) == serverRole {
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
		if role, ok := r.strays.close(roleOf(e)); ok {
			r.vectors.openConns.WithLabelValues(role).Dec()
		}
		return
	}
	delete(r.conns, id)
	if c.opened != "" {
		r.vectors.openConns.WithLabelValues(c.opened).Dec()
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
