package har

import (
	"strconv"
	"time"

	"h2trace/export"
	"h2trace/export/scan"
)

// asked is what a request event says.
type asked struct {
	at          int64
	method, url string
	protocol    string
	server      string
	own         []byte // members of h2trace's own
}

// request takes a request, for the case that nothing says how it ended.
func (h *Writer) request() {
	e := &h.event
	s := h.stream(e.Get("stream"))
	if s == nil {
		return
	}
	s.asked = &asked{
		at: h.at, method: e.Text("method"), url: e.Text("url"), protocol: e.Text("protocol"),
		server: h.server(), own: h.appendOwnKeys(nil),
	}
	h.grown(s)
}

// ownKeys are the keys of events that an entry has, too.
var ownKeys = [...]string{
	"pid", "comm", "stream", "reused", "via", "module", "stall_ms", "retry", "authorized", "retry_after",
	"cache", "age_s", "server_timing", "grpc_status", "grpc_message", "silent_ms", "open",
}

// appendOwnKeys appends what the event says and HAR has no place for.
func (h *Writer) appendOwnKeys(b []byte) []byte {
	for _, key := range ownKeys {
		b = appendOwn(b, key, h.event.Get(key))
	}
	return b
}

// exchange takes a request and its response.
func (h *Writer) exchange() {
	e, s := &h.event, h.ended()
	var t timings
	t.take(e)
	begin := h.at - int64(t.send+t.wait+t.receive)
	if start, ok := h.times.Parse(e.Get("start")); ok {
		begin = start
		t.within(time.Duration(h.at - start))
	}
	begin -= int64(t.before())
	x := entry{
		begin: begin, timings: t, stream: s,
		method: e.Text("method"), url: e.Text("url"), protocol: e.Text("protocol"),
		server: h.server(), connection: e.Text("conn"),
		redirect: e.Text("redirect"), failure: failure(e),
		requestBytes: size(e.Get("request_bytes")), responseBytes: size(e.Get("response_bytes")),
	}
	x.status, _ = scan.Integer(e.Get("status"))
	h.add(&x, h.appendOwnKeys)
}

// unanswered adds a request whose end the recording does not have.
func (h *Writer) unanswered(id streamID, s *stream) {
	a := s.asked
	if a == nil {
		return
	}
	x := entry{
		begin: a.at, timings: timings{wait: time.Duration(max(h.last-a.at, 0))}, stream: s,
		method: a.method, url: a.url, protocol: a.protocol, server: a.server, connection: id.conn,
		failure: "unfinished: the recording ends before", requestBytes: -1, responseBytes: -1,
	}
	h.add(&x, func(b []byte) []byte { return append(b, a.own...) })
}

// size returns a number of bytes, -1 if it is not known.
func size(v []byte) int64 {
	if n, ok := scan.Integer(v); ok && n >= 0 {
		return n
	}
	return -1
}

// failure says why there is no complete response, "" if there is one. A status says it itself.
func failure(e *scan.Object) string {
	class, detail := scan.Text(e.Within("error", "class")), scan.Text(e.Within("error", "detail"))
	switch class {
	case "", "http_4xx", "http_5xx", "checksum":
		return ""
	}
	if detail == "" {
		return class
	}
	return class + ": " + detail
}

// entry is an exchange.
type entry struct {
	begin                       int64 // of its first phase, nanoseconds
	timings                     timings
	stream                      *stream
	method, url, protocol       string
	status                      int64
	server, connection          string
	redirect, failure           string
	requestBytes, responseBytes int64
}

// add adds an entry; own appends the members of h2trace's own.
func (h *Writer) add(x *entry, own func([]byte) []byte) {
	b := append(h.entry[:0], `{"startedDateTime":"`...)
	b = time.Unix(0, x.begin).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, `","time":`...)
	b = appendMillis(b, x.timings.total())
	b = x.appendRequest(append(b, `,"request":`...))
	b = x.appendResponse(append(b, `,"response":`...))
	b = x.timings.append(append(b, `,"cache":{},"timings":`...))
	if x.server != "" {
		b = export.AppendString(append(b, `,"serverIPAddress":`...), x.server)
	}
	if x.connection != "" {
		b = export.AppendString(append(b, `,"connection":`...), h.connection(x.connection))
	}
	h.entry = append(own(b), '}')
	h.entries.add(x.begin, h.entry)
	if cap(h.entry) > 1<<20 {
		h.entry = nil // of a long one
	}
}

func appendInt(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(append(b, key...), n, 10)
}
