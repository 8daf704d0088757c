package chrometrace

import (
	"cmp"
	"net/url"

	"h2trace/export/redact"
	"h2trace/export/scan"
)

// request is a request without its end.
type request struct {
	lane   *lane
	begin  micros
	name   string
	stream string
	send   window // of its stream
	recv   window
}

// compare orders requests by their begin.
func (r *request) compare(other *request) int {
	return cmp.Or(cmp.Compare(r.begin, other.begin), cmp.Compare(r.stream, other.stream))
}

// request takes the begin of a request: a lane is kept for it.
func (t *Trace) request() {
	e, c := &t.event, t.connOf()
	stream := e.Get("stream")
	if c == nil || len(stream) == 0 || len(stream) > maxID || t.streams >= maxStreams {
		return
	}
	begin := microsOf(t.at)
	r := &request{lane: t.free(&c.requests, begin), begin: begin, name: t.requestName(), stream: string(stream)}
	r.lane.busy = true
	if c.open == nil {
		c.open = make(map[string]*request)
	}
	t.over(c, stream)
	c.open[r.stream] = r
	t.streams++
}

// over forgets that a request is under way, and returns it, or nil.
func (t *Trace) over(c *conn, stream []byte) *request {
	r := c.open[string(stream)]
	if r != nil {
		delete(c.open, r.stream)
		r.lane.busy = false
		t.streams--
	}
	return r
}

// on puts a span on the lane of a request, or on another if that has no room.
func (t *Trace) on(c *conn, r *request, i interval) place {
	if r == nil || r.lane.busy || r.lane.end > i.begin {
		return t.fit(&c.requests, i)
	}
	r.lane.end = i.end
	return place{c.requests.pid, r.lane.tid}
}

// exchange draws a request and its response.
func (t *Trace) exchange() {
	e, c := &t.event, t.connOf()
	if c == nil {
		return
	}
	send, wait, receive := millis(e.Get("send_ms")), millis(e.Get("wait_ms")), millis(e.Get("receive_ms"))
	i := before(t.at, send+wait+receive)
	begin := t.at - int64(send+wait+receive)
	if start, ok := t.times.Parse(e.Get("start")); ok {
		begin = start
		i = interval{min(microsOf(start), i.end), i.end}
	}
	lane := t.on(c, t.over(c, e.Get("stream")), i)
	name := t.requestName()
	if class := scan.Text(e.Within("error", "class")); class != "" {
		name = cut(class + ": " + name)
	}
	t.out.span(name, "exchange", lane, i)
	t.out.args(e, "conn", "stream", "method", "url", "status", "protocol", "reused", "request_bytes",
		"response_bytes", "dns_ms", "connect_ms", "tls_ms", "stall_ms", "redirect", "module", "error", "retry",
		"via", "cache", "age_s", "server_timing", "grpc_status", "grpc_message", "silent_ms", "open")
	t.out.end()
	sent := begin + int64(send)
	answered := sent + int64(wait)
	t.part("send", lane, interval{microsOf(begin), microsOf(sent)}.within(i))
	t.part("wait", lane, interval{microsOf(sent), microsOf(answered)}.within(i))
	if scan.Known(e.Get("receive_ms")) {
		t.part("receive", lane, interval{microsOf(answered), i.end}.within(i))
	}
}

// unfinished draws a request whose end the recording does not have.
func (t *Trace) unfinished(c *conn, r *request) {
	t.streams--
	r.lane.busy = false
	i := interval{r.begin, max(t.last, r.begin)}
	t.out.span(cut("unfinished: "+r.name), "exchange", t.on(c, r, i), i)
	t.out.arg("stream", []byte(r.stream))
	t.out.end()
}

// requestName names the request of the event: by its module, or else by method and path.
func (t *Trace) requestName() string {
	e := &t.event
	kind, path := scan.Text(e.Within("module", "kind")), scan.Text(e.Within("module", "path"))
	if path != "" {
		if version := scan.Text(e.Within("module", "version")); version != "" {
			path += "@" + version
		}
		return cut(kind + " " + path)
	}
	target := e.Text("url")
	if u, err := url.Parse(redact.Parseable(target)); err == nil && u.Host != "" {
		target = u.RequestURI()
	}
	return cut(e.Text("method") + " " + target)
}
