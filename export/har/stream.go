package har

import (
	"encoding/base64"

	"h2trace/export/scan"
)

// streamID identifies a stream of a recording.
type streamID struct{ conn, stream string }

// stream is a request that is under way.
type stream struct {
	request, response message
	sent              string // dir of the request, "" unknown
	size              int    // bytes that it holds
	asked             *asked // nil without a request event
}

// message is what frames carry of a request or a response.
type message struct {
	headers  []byte // as JSON, of the final header section and of trailers
	fields   fields
	body     []byte
	cut      bool  // body is only the begin of it
	transfer int64 // bytes of its frames
}

// stream returns a stream of the connection of the event, and nil if it has no name.
func (h *Writer) stream(id []byte) *stream {
	conn := h.event.Word("conn")
	if len(conn) == 0 || len(conn) > maxID || len(id) == 0 || len(id) > maxID {
		return nil
	}
	key := streamID{string(conn), string(id)}
	s, ok := h.pending.Get(key)
	if !ok {
		s = &stream{}
		h.pending.Add(key, s)
	}
	return s
}

// ended returns the stream of the event, and forgets it. If nothing of it came before, it is empty.
func (h *Writer) ended() *stream {
	key := streamID{string(h.event.Word("conn")), string(h.event.Get("stream"))}
	s, ok := h.pending.Peek(key)
	if !ok {
		return &stream{}
	}
	h.pending.Remove(key)
	return s
}

// frame takes a frame of a message.
func (h *Writer) frame() {
	e := &h.event
	id, kind := e.Get("stream"), string(e.Word("type"))
	promised := kind == "PUSH_PROMISE"
	switch {
	case promised:
		id = e.Get("promised_stream")
	case kind != "HEADERS" && kind != "CONTINUATION" && kind != "DATA":
		return
	}
	s := h.stream(id)
	if s == nil {
		return
	}
	dir := string(e.Word("dir"))
	if e.Has("headers") {
		s.headers(e.Get("headers"), dir, promised)
	}
	length, _ := scan.Integer(e.Get("length"))
	m := s.message(dir)
	m.transfer += frameHeader + max(length, 0)
	if kind == "DATA" {
		m.data(e)
	}
	h.grown(s)
}

// frameHeader is the size of the header of a frame (RFC 9113 §4.1).
const frameHeader = 9

// message returns the message of a direction. Where no header section says which that is, the
// process is taken as a client.
func (s *stream) message(dir string) *message {
	if s.sent == dir || s.sent == "" && dir == "send" {
		return &s.request
	}
	return &s.response
}

// data takes the payload of a DATA frame.
func (m *message) data(e *scan.Object) {
	if m.cut {
		return
	}
	length, _ := scan.Integer(e.Get("data_length"))
	body := e.Word("body")
	if v := e.Word("body_b64"); v != nil {
		body, _ = base64.StdEncoding.AppendDecode(nil, v)
	}
	room := maxBody - len(m.body)
	m.cut = int64(len(body)) < length || len(body) > room
	m.body = append(m.body, body[:min(len(body), room)]...)
}

// bytes returns how many a stream holds.
func (s *stream) bytes() int {
	n := s.request.bytes() + s.response.bytes()
	if a := s.asked; a != nil {
		n += len(a.method) + len(a.url) + len(a.protocol) + len(a.own)
	}
	return n
}

func (m *message) bytes() int {
	f := &m.fields
	return len(m.headers) + len(m.body) + len(f.cookies) + len(f.contentType) + len(f.encoding)
}

// grown counts what a stream holds, and leaves out the oldest ones if that is too much.
func (h *Writer) grown(s *stream) {
	n := s.bytes()
	h.held += n - s.size
	s.size = n
	for h.held > maxPending && h.pending.Len() > 0 {
		h.pending.RemoveOldest()
		h.LeftOut++
	}
}
