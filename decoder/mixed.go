package decoder

import (
	"bytes"

	"h2trace/decoder/ktime"
)

// MixedSink is a Sink that also takes connections whose sides speak different versions
// of HTTP.
type MixedSink interface {
	Sink
	// Mixed says that the server answers an HTTP/2 client in HTTP/1.x, with that
	// status line, or an HTTP/1.x client in HTTP/2; then the line is empty. The Conn
	// reports no more bytes of the server.
	Mixed(at ktime.Time, line string)
}

const (
	http1Version  = "HTTP/1." // RFC 9112 §2.3; a response begins with it (§4)
	maxStatusLine = 256
)

func (c *Conn) mixed(at ktime.Time, line string) {
	if sink, ok := c.sink.(MixedSink); ok {
		sink.Mixed(at, line)
	}
}

// answersHTTP1 reports whether the supposed header of a server's first frame begins an
// HTTP/1.x response.
func answersHTTP1(header []byte) bool {
	return string(header[:len(http1Version)]) == http1Version
}

// answer takes an HTTP/1.x response up to the end of its status line.
func (h *side) answer(b []byte) event {
	h.hold(h.intake.time, b)
	if bytes.IndexByte(h.held.buf, '\n') >= 0 || len(h.held.buf) >= maxStatusLine {
		return answered
	}
	return dry
}

// endAnswer reports the status line of an HTTP/1.x response.
func (c *Conn) endAnswer(at ktime.Time, h *side) {
	line, _, _ := bytes.Cut(h.held.buf[:min(len(h.held.buf), maxStatusLine)], []byte("\n"))
	h.mode, h.held = ignoring, held{}
	c.mixed(at, string(bytes.TrimRight(line, "\r")))
}

// asksInHTTP1 handles a client that begins with an HTTP/1.x request although the server
// speaks HTTP/2.
func (c *Conn) asksInHTTP1(at ktime.Time, h *side) {
	sink, ok := c.sink.(ByteSink)
	if !ok {
		c.startLost(at, h)
		return
	}
	h.first = false
	c.bytes = sink
	h.at -= h.held.end()
	c.handOn(h)
	c.mixed(at, "")
}

// judge takes the first bytes of a server whose client speaks HTTP/1.x.
func (c *Conn) judge(at ktime.Time, h *side, b []byte) {
	h.held.add(at, b)
	switch speaksHTTP2(h.held.buf) {
	case undecided:
	case serverHTTP2:
		h.mode, h.held = ignoring, held{}
		c.mixed(at, "")
	default:
		c.handOn(h)
	}
}

// speaksHTTP2 judges the first bytes of a server. A server that refuses the connection
// may begin with GOAWAY (RFC 9113 §6.8).
func speaksHTTP2(b []byte) verdict {
	const longest = 1 << 10
	if len(b) < 4 || Type(b[3]) != TypeGoAway || b[0] != 0 {
		return classifyServer(b)
	}
	if len(b) < frameHeaderLen {
		return undecided
	}
	if h := parseHeader(b); h.flags == 0 && h.stream == 0 && h.length >= 8 && h.length <= longest {
		return serverHTTP2
	}
	return neither
}

// handOn reports the held bytes of a side that speaks HTTP/1.x.
func (c *Conn) handOn(h *side) {
	q := h.held
	h.mode, h.held = passing, held{}
	q.pieces(0, q.end(), func(at ktime.Time, b []byte) { c.bytes.Bytes(at, h.dir, b) })
}
