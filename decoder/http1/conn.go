package http1

import "h2trace/decoder/ktime"

// Sink receives what a Conn cuts. Calls come from inside the methods of Conn,
// those of one direction in the order of its bytes. Times are those that the
// caller gave with the bytes.
type Sink interface {
	// Request is called when a head is complete; its first byte came at
	// since.
	Request(since, at ktime.Time, r *Request)
	// RequestBody is called for bytes of its body, without transfer coding.
	RequestBody(at ktime.Time, n int64)
	// RequestEnd is called when the request is complete.
	RequestEnd(at ktime.Time)
	// Response is called when a head is complete: of the oldest request that
	// has no final response yet, or of one that was not seen. One whose status
	// is below 200, other than 101, is followed by another (RFC 9110 §15.2)
	// and has neither body nor end.
	Response(since, at ktime.Time, r *Response)
	// ResponseBody is called for bytes of its body, without transfer coding.
	ResponseBody(at ktime.Time, n int64)
	// ResponseEnd is called when the response is complete. cut says that the
	// connection ended before it was, or that it is not known where it ends.
	ResponseEnd(at ktime.Time, cut bool)
	// Tunnel is called when the connection goes on with something else, after
	// a 101 or a CONNECT that was granted. What follows goes to Tunneled.
	Tunnel(at ktime.Time)
	// Tunneled is called for bytes after Tunnel. b is not to be kept.
	Tunneled(at ktime.Time, client bool, b []byte)
	// Malformed is called, before Lost, when what a side says is no message of
	// HTTP/1.x (RFC 9112 §2.2, §6.3, §7.1).
	Malformed(at ktime.Time, client bool)
	// Lost is called when bytes of a side were lost, or make no sense, so
	// that messages may have been missed.
	Lost(at ktime.Time, client bool)
}

// Conn cuts both directions of one connection. It is not safe for concurrent
// use. It holds at most two heads and the methods of maxPipelined requests.
type Conn struct {
	sink Sink

	client, server side
	waiting        pipeline
	responding     bool // a final head was read and its end was not
	// unseen says that the request which that is for was not seen: there may be no
	// body, as after HEAD.
	unseen bool
}

// NewConn returns a Conn that reports to sink. A head that the budget has no room
// for is passed over, as one that is too long.
func NewConn(sink Sink, budget *Budget) *Conn {
	return &Conn{sink: sink, client: side{budget: budget}, server: side{budget: budget}, waiting: pipeline{budget: budget}}
}

// Release gives back what the Conn has of the budget; nothing is to be called
// after it.
func (c *Conn) Release() {
	c.client.drop()
	c.server.drop()
	c.waiting.clear()
}

// Data takes the next bytes of the client, or of the server. b is not kept.
// Where a direction makes no sense any more, it does again when b begins with
// the first line of a message.
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

// Gap takes the loss of n bytes of a side, -1 when their number is not known.
// One inside a body is counted as part of that.
func (c *Conn) Gap(at ktime.Time, client bool, n int64) {
	if client {
		c.client.gap(at, n, (*requests)(c))
		return
	}
	c.server.gap(at, n, (*responses)(c))
}

// BodyLeft returns how many bytes of a side are to come before its next head, 0
// unless it is in a body of known length.
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

// Tunneled reports whether both directions go on with something else.
func (c *Conn) Tunneled() bool { return c.server.state == tunnel && c.client.state == tunnel }

// Close ends the connection. A response whose body has no length ends with it
// (RFC 9112 §6.3); any other that is not complete is cut.
func (c *Conn) Close(at ktime.Time) {
	if c.responding {
		c.responding = false
		c.sink.ResponseEnd(at, c.server.state != untilClose)
	}
}

// requests is a Conn as the parser of what the client says.
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
	if f.state == untilClose { // no request is (RFC 9112 §6.3)
		f = framing{state: inHead}
	}
	return f
}

// giveUpBody ends the body of a response whose request was not seen, as another
// begins: most clients wait for the end of the one before.
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

// responses is a Conn as the parser of what the server says.
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

// end is called for interim responses too, which have no end of their own.
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

// tunnel ends HTTP/1 in both directions, that of the client after the body of the
// request: a server may agree to switch before it has read that (RFC 9110 §7.8).
func (c *responses) tunnel(at ktime.Time) {
	c.sink.Tunnel(at)
	if c.client.inMessage() {
		c.client.last = true
		return
	}
	early := c.client.line // what the client said before it was allowed to
	c.client.drop()
	c.client = side{state: tunnel}
	if len(early) > 0 {
		c.sink.Tunneled(at, true, early)
	}
}

// bodyOf is RFC 9112 §6.3 for what the head alone decides.
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
