package decoder

import (
	"bytes"

	"h2trace/decoder/ktime"
)

// preface is the connection preface of an HTTP/2 client (RFC 9113 §3.4).
var preface = []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

// verdict is the protocol and role that the first bytes of a direction show.
type verdict uint8

const (
	undecided verdict = iota
	clientHTTP2
	serverHTTP2
	someHTTP1
	neither
)

// classify judges the first bytes of a direction. More bytes never change a verdict.
func classify(b []byte, mayClient, mayServer bool) verdict {
	client, server := neither, neither
	if mayClient {
		client = classifyClient(b)
	}
	if mayServer {
		server = classifyServer(b)
	}
	switch {
	case client == neither:
		return server
	case server == neither:
		return client
	case server != undecided:
		return server
	}
	return client
}

func classifyClient(b []byte) verdict {
	if n := min(len(b), len(preface)); bytes.Equal(b[:n], preface[:n]) {
		if n == len(preface) {
			return clientHTTP2
		}
		return undecided
	}
	return requestLine(b)
}

// requestLine looks for method SP target SP HTTP/1.x CRLF (RFC 9112 §3).
func requestLine(b []byte) verdict {
	b, cut := b[:min(len(b), maxStartLine)], len(b) >= maxStartLine
	for i, ch := range b {
		switch {
		case ch == '\n':
			line := bytes.TrimSuffix(b[:i], []byte("\r"))
			part := bytes.Split(line, []byte(" "))
			if len(part) == 3 && len(part[0]) > 0 && len(part[1]) > 0 &&
				(string(part[2]) == "HTTP/1.1" || string(part[2]) == "HTTP/1.0") {
				return someHTTP1
			}
			return neither
		case ch < ' ' && ch != '\r', ch > '~', ch == ' ' && i == 0:
			return neither
		}
	}
	if cut {
		return neither
	}
	return undecided
}

func classifyServer(b []byte) verdict {
	if n := min(len(b), len(http1Version)); string(b[:n]) == http1Version[:n] {
		if n == len(http1Version) {
			return someHTTP1
		}
		return undecided
	}
	// A server's first frame is SETTINGS (RFC 9113 §3.4): length, type, no
	// flags, stream 0. Only the type must be looked at to rule it out early.
	if len(b) >= 4 && b[3] != byte(TypeSettings) {
		return neither
	}
	if len(b) < frameHeaderLen {
		return undecided
	}
	h := parseHeader(b)
	if h.flags != 0 || h.stream != 0 || h.length%6 != 0 || h.length > minMaxFrameSize {
		return neither
	}
	return serverHTTP2
}

// detect decides the protocol by the bytes that h has held since the start, if they
// suffice.
func (c *Conn) detect(at ktime.Time, h *side) {
	if h.mode == prefacing {
		c.finishPreface(at, h)
		return
	}
	mayClient := !c.streams.known || c.streams.clientDir == h.dir
	mayServer := !c.streams.known || c.streams.clientDir != h.dir
	switch classify(h.held.buf, mayClient, mayServer) {
	case clientHTTP2:
		if !c.streams.known {
			c.streams.setClient(h.dir)
		}
		c.fromStart = c.fromStart || len(c.other(h).held.buf) == 0 && c.other(h).mode == starting
		if !c.fromStart {
			c.startLost(at, h)
			return
		}
		c.startHTTP2(at, h)
	case serverHTTP2:
		if !c.fromStart {
			c.startLost(at, h)
			return
		}
		if !c.streams.known {
			c.streams.setClient(h.dir.other())
		}
		c.startHTTP2(at, h)
	case someHTTP1:
		if !c.streams.known {
			d := h.dir
			if classifyClient(h.held.buf) != someHTTP1 {
				d = d.other()
			}
			c.streams.setClient(d)
		}
		c.decide(at, HTTP1)
	case neither:
		switch {
		case !c.fromStart:
			c.startLost(at, h)
		case c.streams.known && h.dir == c.streams.clientDir:
			c.misbegun(h)
			c.decide(at, ProtocolUnknown)
		case len(h.held.buf) > maxStartLine, c.hopeless(c.other(h)):
			c.decide(at, ProtocolUnknown)
		}
	case undecided:
	}
}

// hopeless reports whether a direction of unknown role speaks neither protocol.
func (c *Conn) hopeless(h *side) bool {
	return !c.streams.known && classify(h.held.buf, true, true) == neither
}

// startHTTP2 begins to decode a connection that was seen from its first byte.
func (c *Conn) startHTTP2(at ktime.Time, by *side) {
	c.settings.fromStart()
	c.windows.fromStart()
	for d := range c.sides {
		c.sides[d].blocks.table.reset("")
		c.sides[d].blocks.table.allow(defaultTable, true)
		c.sides[d].first, c.sides[d].found = true, true
	}
	c.decide(at, HTTP2)
	client, server := &c.sides[c.streams.clientDir], &c.sides[c.streams.clientDir.other()]
	client.mode, server.mode = prefacing, framing
	for d, missed := range c.missed {
		if missed {
			c.lost(Direction(d))
		}
	}
	if by == client { // the server's bytes came first
		c.replay(at, server, 0)
		c.finishPreface(at, client)
		return
	}
	c.finishPreface(at, client)
	c.replay(at, server, 0)
}

// finishPreface waits for the whole preface. If the client sends another one, its bytes
// are searched for frames.
func (c *Conn) finishPreface(at ktime.Time, h *side) {
	n := min(len(h.held.buf), len(preface))
	if !bytes.Equal(h.held.buf[:n], preface[:n]) {
		switch requestLine(h.held.buf) {
		case someHTTP1:
			c.asksInHTTP1(at, h)
		case neither:
			c.misbegun(h)
			c.startLost(at, h)
		}
		return
	}
	if n == len(preface) {
		h.mode = framing
		c.replay(at, h, int64(n))
	}
}

// misbegun notes that the client's first bytes, if it is these that came, are no preface.
func (c *Conn) misbegun(h *side) { c.badPreface = c.fromStart && !c.missed[h.dir] }

// replay decodes the held bytes of a direction from off on.
func (c *Conn) replay(at ktime.Time, h *side, off int64) {
	h.replay(at, boundaries{first: off})
	c.decode(h)
}

// startLost gives up the start of h, because bytes are missing there or no connection
// begins with them. Its bytes are searched for frames.
func (c *Conn) startLost(at ktime.Time, h *side) {
	wasStarting := h.mode == starting
	q, table := h.unhold(0), h.blocks.table
	c.lose(h, beforeLoss)
	if wasStarting && c.fromStart {
		c.fromStart = false
		if o := c.other(h); o.mode == starting && len(o.held.buf) > 0 {
			c.detect(at, o) // its start is there, and may show the protocol
		}
	}
	if wasStarting && !c.cfg.FromStart {
		h.blocks.table = table // unknown, or seeded already
	}
	q.pieces(0, q.end(), func(at ktime.Time, b []byte) { c.feed(at, h, b) })
}
