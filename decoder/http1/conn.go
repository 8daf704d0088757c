package http1

import "h2trace/decoder/ktime"

// Sink receives the messages of a Conn. The methods of Conn call it, for each
// direction in the order of its bytes. Times are those that the caller gave with
// the bytes.
type Sink interface {
	// Request takes a complete head, of which the first byte came at since.
	Request(since, at ktime.Time, r *Request)
	// RequestBody takes bytes of its body, without transfer coding.
	RequestBody(at ktime.Time, n int64)
	// RequestEnd says that the request is complete.
	RequestEnd(at ktime.Time)
	// Response takes a complete head. It answers the oldest request without a
	// final response, or one that was not seen. A status below 200, other than
	// 101, is interim: another response follows (RFC 9110 §15.2), and this one
	// has neither body nor end.
	Response(since, at ktime.Time, r *Response)
	// ResponseBody takes bytes of its body, without transfer coding.
	ResponseBody(at ktime.Time, n int64)
	// ResponseEnd says that the response is complete. cut says that the connection
	// ended first, or that the end of the response is unknown.
	ResponseEnd(at ktime.Time, cut bool)
	// Tunnel says that another protocol follows, after a 101 or a granted CONNECT.
	// Its bytes go to Tunneled.
	Tunnel(at ktime.Time)
	// Tunneled takes bytes after Tunnel. It must not keep b.
	Tunneled(at ktime.Time, client bool, b []byte)
	// Malformed says that the bytes of a side are no HTTP/1.x message (RFC 9112
	// §2.2, §6.3, §7.1). Lost follows.
	Malformed(at ktime.Time, client bool)
	// Lost says that bytes of a side were lost, or make no sense, so that the Conn
	// may have missed messages.
	Lost(at ktime.Time, client bool)
}

// Conn parses both directions of one connection. It is not safe for concurrent
// use. It holds at most two heads and the methods of maxPipelined requests.
type Conn struct {
	sink Sink

	client, server side
	waiting        pipeline
	responding     bool // between the head and the end of a final response
	// unseen says that the request of this response was not seen: it may have no
	// body, as after HEAD.
	unseen bool
}

// NewConn returns a Conn that reports to sink. It skips a head for which the budget
// has no room, as one that is too long.
func NewConn(sink Sink, budget *Budget) *Conn {
	return &Conn{sink: sink, client: side{budget: budget}, server: side{budget: budget}, waiting: pipeline{budget: budget}}
}

// Release returns what the Conn took from the budget. No method may be called after
// it.
func (c *Conn) Release() {
	c.client.drop()
	c.server.drop()
	c.waiting.clear()
}

// Data takes the next bytes of the client, or of the server. It does not keep b.
// After bytes that make no sense, a direction resumes when b begins with the first
// line of a message.
func (c *Conn) Data(at ktime.Time, client bool, b []byte) {
	if client {
		if rest := c.client.feed(at, b, (*requests)(c)); len(rest) > 0 {
			c.sink.Tunneled(at, true, rest)
		}
		return
	}
	if rest := c.server.feed(at, b, (*responses)(c)); len(rest) > 0 {
		c.sink.Tunneled(at, false, rest)
	}
}

// Gap takes the loss of n bytes of a side, -1 for an unknown number. Bytes lost
// inside a body count as its bytes.
func (c *Conn) Gap(at ktime.Time, client bool, n int64) {
	if client {
		c.client.gap(at, n, (*requests)(c))
		return
	}
	c.server.gap(at, n, (*responses)(c))
}

// BodyLeft returns the number of bytes of a side before its next head, 0 unless the
// side is in a body of known length.
func (c *Conn) BodyLeft(client bool) int64 {
	h := &c.server
	if client {
		h = &c.client
	}
	if h.state != inBody {
		return 0
	}
	return h.left
}

// Tunneled reports whether both directions carry another protocol now.
func (c *Conn) Tunneled() bool { return c.server.state == tunnel && c.client.state == tunnel }

// Close ends the connection. It ends a response whose body has no length (RFC 9112
// §6.3), and cuts any other incomplete one.
func (c *Conn) Close(at ktime.Time) {
	if c.responding {
		c.responding = false
		c.sink.ResponseEnd(at, c.server.state != untilClose)
	}
}

// requests is a Conn as the parser of the client's bytes.
type requests Conn

func (c *requests) head(since, at ktime.Time, b []byte) framing {
	r, ok := parseRequest(b)
	if !ok {
		return framing{state: broken}
	}
	if c.responding && c.unseen {
		c.giveUpBody(at)
	}
	c.waiting.push(methodOf(r.Method))
	c.sink.Request(since, at, r)
	f, ok := bodyOf(r.Header)
	if !ok {
		return framing{state: broken}
	}
	if f.state == untilClose { // never a request (RFC 9112 §6.3)
		f = framing{state: inHead}
	}
	return f
}

// giveUpBody ends the body of a response to an unseen request when the next request
// begins: most clients wait for the end of a response first.
func (c *requests) giveUpBody(at ktime.Time) {
	c.server.drop()
	c.server.state, c.server.left = inHead, 0
	c.responding = false
	c.sink.ResponseEnd(at, true)
}

func (c *requests) body(at ktime.Time, n int64) { c.sink.RequestBody(at, n) }

func (c *requests) end(at ktime.Time) { c.sink.RequestEnd(at) }

func (c *requests) malformed(at ktime.Time) { c.sink.Malformed(at, true) }

func (c *requests) fail(at ktime.Time) {
	c.waiting.clear()
	c.sink.Lost(at, true)
}

// responses is a Conn as the parser of the server's bytes.
type responses Conn

func (c *responses) head(since, at ktime.Time, b []byte) framing {
	r, ok := parseResponse(b)
	if !ok {
		return framing{state: broken}
	}
	if c.waiting.lost() {
		return framing{state: unframed}
	}
	method := c.waiting.oldest()
	c.sink.Response(since, at, r)
	switch {
	case r.Status == 101:
		c.tunnel(at)
		return framing{state: tunnel}
	case r.Status < 200:
		return framing{state: inHead}
	}
	c.waiting.pop()
	c.responding, c.unseen = true, method == methodUnseen
	switch {
	case method == methodConnect && r.Status < 300:
		c.end(at)
		c.tunnel(at)
		return framing{state: tunnel}
	case method == methodHead, r.Status == 204, r.Status == 304:
		return framing{state: inHead}
	}
	f, ok := bodyOf(r.Header)
	if !ok {
		return framing{state: broken}
	}
	return f
}

func (c *responses) body(at ktime.Time, n int64) { c.sink.ResponseBody(at, n) }

// end also comes after an interim response, which has no end to report.
func (c *responses) end(at ktime.Time) {
	if c.responding {
		c.responding = false
		c.sink.ResponseEnd(at, false)
	}
}

func (c *responses) malformed(at ktime.Time) { c.sink.Malformed(at, false) }

func (c *responses) fail(at ktime.Time) {
	c.responding = false
	c.waiting.clear()
	c.sink.Lost(at, false)
}

// tunnel ends HTTP/1 in both directions. The client's ends after the request body: a
// server may agree to switch before it has read that (RFC 9110 §7.8).
func (c *responses) tunnel(at ktime.Time) {
	c.sink.Tunnel(at)
	if c.client.inMessage() {
		c.client.last = true
		return
	}
	early := c.client.line // bytes that the client sent too early
	c.client.drop()
	c.client = side{state: tunnel}
	if len(early) > 0 {
		c.sink.Tunneled(at, true, early)
	}
}

// bodyOf applies the rules of RFC 9112 §6.3 that need the head alone.
func bodyOf(h Header) (framing, bool) {
	chunked, coded := h.chunked()
	switch {
	case chunked:
		return framing{state: inSize}, true
	case coded:
		return framing{state: untilClose}, true
	}
	n, ok := h.contentLength()
	switch {
	case !ok:
		return framing{}, false
	case n < 0:
		return framing{state: untilClose}, true
	}
	return framing{state: inBody, left: n}, true
}
