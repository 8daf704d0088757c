package chrometrace

import (
	"strconv"

	"h2trace/export/scan"
)

// window is the credit of one direction, as it was drawn last.
type window struct {
	name   string // of the counter, "" before the first
	at     place
	credit int64
}

// frame takes a frame: its windows, and what it says that happens seldom.
func (t *Trace) frame() {
	e, c := &t.event, t.connOf()
	if c == nil {
		return
	}
	r := c.open[string(e.Get("stream"))]
	scan.Members(e.Get("window"), func(key, v []byte) {
		n, known := scan.Integer(v)
		switch {
		case !known:
		case string(key) == "conn_send":
			t.credit(&c.send, &c.own, nil, "send_window", n)
		case string(key) == "conn_recv":
			t.credit(&c.recv, &c.own, nil, "recv_window", n)
		case r == nil:
		case string(key) == "stream_send":
			t.credit(&r.send, &c.requests, r.lane, "send_window", n)
		case string(key) == "stream_recv":
			t.credit(&r.recv, &c.requests, r.lane, "recv_window", n)
		}
	})
	kind := string(e.Word("type"))
	if e.Has("violation") || kind == "RST_STREAM" || kind == "GOAWAY" {
		t.mark()
	}
}

// credit draws a window that has changed. It stands beside a lane, that of the connection if l is
// nil.
func (t *Trace) credit(w *window, g *lanes, l *lane, side string, n int64) {
	switch {
	case w.name != "" && w.credit == n:
		return
	case w.name == "" && l != nil:
		w.at, w.name = place{g.pid, l.tid}, g.label(l)+" "+side
	case w.name == "":
		w.at, w.name = t.first(g), g.name+" "+side
	}
	w.credit = n
	t.out.counter(w.name, w.at, microsOf(t.at), n)
}

// mark draws an event that takes no time.
func (t *Trace) mark() {
	e, at := &t.event, place{}
	if c := t.connOf(); c != nil {
		at = t.first(&c.own)
		if r := c.open[string(e.Get("stream"))]; r != nil {
			at.tid = r.lane.tid
		}
	} else {
		at = t.first(&t.processOf().own)
	}
	t.out.instant(t.markName(), "mark", at, microsOf(t.at))
	t.out.args(e, "conn", "stream", "dir", "type", "violation", "error", "last_stream", "debug", "reason",
		"records", "bytes", "skipped_bytes", "index", "want", "got")
	t.out.end()
}

// markName names what happened.
func (t *Trace) markName() string {
	e := &t.event
	if violation := e.Text("violation"); violation != "" {
		return cut("violation: " + violation)
	}
	switch kind := e.Text("event"); kind {
	case "frame":
		return cut(e.Text("type") + " " + e.Text("error"))
	case "loss":
		records, _ := scan.Integer(e.Get("records"))
		return cut("lost " + strconv.FormatInt(records, 10) + " records: " + e.Text("reason"))
	case "conn":
		return cut(e.Text("action"))
	default:
		return cut(kind)
	}
}
