package reference

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"golang.org/x/net/http2/hpack"
)

// some returns regular fields, of which many come again.
func (c *Conversation) some() (list []hpack.HeaderField) {
	for range c.rng.IntN(4) {
		name := fmt.Sprintf("x-%d", c.rng.IntN(6))
		value := fmt.Sprint(c.rng.IntN(5))
		if c.rng.IntN(20) == 0 {
			value = fmt.Sprintf("%x", c.noise(350))
		}
		list = append(list, hpack.HeaderField{Name: name, Value: value})
	}
	return list
}

// block adds the frames of a field block. They leave the windows that they find.
func (c *Conversation) block(d Dir, id uint32, flags byte, fields []hpack.HeaderField) (first, last *Frame) {
	b, unknown := c.encode(&c.tables[d], fields)
	typ := byte(headers)
	begin := len(c.Frames)
	for range c.rng.IntN(3) {
		n := c.rng.IntN(len(b) + 1)
		if c.opts.Plain && (n == 0 || typ == continuation) {
			break
		}
		c.emit(typ, flags, id, b[:n])
		typ, flags, b = continuation, 0, b[n:]
		c.turn(d)
	}
	last = c.emit(typ, flags|endHeaders, id, b)
	last.Ends, last.Unknown = true, unknown
	if !unknown {
		last.Fields = fields
	}
	return &c.Frames[begin], last
}

// over ends a direction of a stream if a frame says so.
func (c *Conversation) over(d Dir, s *stream, flags byte) {
	if flags&endStream != 0 {
		c.end(d, s)
		c.noteClosed(s)
	}
}

func (c *Conversation) noteClosed(s *stream) {
	if s.closed {
		c.ended = append(c.ended, s)
	}
}

// request opens a stream. It may pass over some.
func (c *Conversation) request() {
	c.turn(Send)
	if c.rng.IntN(8) == 0 {
		c.passed = c.next + 2*c.rng.Uint32N(3)
		c.next = c.passed + 2
	}
	s := c.open(c.next)
	c.next += 2
	method, path := "GET", fmt.Sprintf("/%d", c.rng.IntN(30))
	flags := byte(endStream)
	if c.rng.IntN(2) == 0 {
		method, flags = "POST", 0
	}
	fields := append([]hpack.HeaderField{
		{Name: ":method", Value: method},
		{Name: ":scheme", Value: "https"},
		{Name: ":authority", Value: "a.example"},
		{Name: ":path", Value: path},
	}, c.some()...)
	_, last := c.block(Send, s.id, flags, fields)
	if !last.Unknown {
		s.Method, s.URL = method, "https://a.example"+path
	}
	s.head[Send] = true
	c.over(Send, s, flags)
}

// response answers a request, at last or in the meantime.
func (c *Conversation) response() {
	s := c.pick(func(s *stream) bool { return !s.closed && !s.head[Recv] })
	if s == nil {
		return
	}
	c.turn(Recv)
	status, flags := []int{103, 200, 200, 404, 500}[c.rng.IntN(5)], byte(0)
	if status != 103 && c.rng.IntN(3) == 0 {
		flags = endStream
	}
	_, last := c.block(Recv, s.id, flags, append([]hpack.HeaderField{{Name: ":status", Value: fmt.Sprint(status)}}, c.some()...))
	if status == 103 {
		return
	}
	if s.head[Recv] = true; !last.Unknown {
		s.Status = status
	}
	c.over(Recv, s, flags)
}

// trailers end a message.
func (c *Conversation) trailers(d Dir) {
	s := c.pick(func(s *stream) bool { return !s.closed && s.head[d] && !s.ended[d] })
	if s == nil {
		return
	}
	c.turn(d)
	c.block(d, s.id, endStream, append(c.some(), hpack.HeaderField{Name: "x-end", Value: "1"}))
	c.over(d, s, endStream)
}

// data sends some, within the credit.
func (c *Conversation) data(d Dir) {
	s := c.pick(func(s *stream) bool { return !s.closed && s.head[d] && !s.ended[d] })
	if s == nil {
		return
	}
	n := max(0, min(c.conn[d], s.credit[d], 16384))
	if c.rng.IntN(3) > 0 {
		n = min(n, c.rng.Int64N(300))
	}
	flags := byte(c.rng.IntN(6) / 5 * endStream)
	c.payload(d, s, n, flags)
	c.over(d, s, flags)
}

// payload adds a DATA frame that takes n bytes of credit, with padding or without.
func (c *Conversation) payload(d Dir, s *stream, n int64, flags byte) (f *Frame, may bool) {
	c.turn(d)
	b, content := c.noise(int(n)), n
	if n > 0 && c.rng.IntN(4) == 0 {
		pad := c.rng.Int64N(min(n, 256))
		b[0], flags, content = byte(pad), flags|padded, n-1-pad
	}
	if !s.gone {
		s.Bytes[d] += content
	}
	may = c.spend(d, s, n)
	return c.emit(data, flags, s.id, b), may
}

// anything is bytes without a pattern: zeros would look like frames.
var anything = func() []byte {
	rng, b := rand.New(rand.NewPCG(1, 1)), make([]byte, 1<<16)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}()

// noise returns n bytes of payload.
func (c *Conversation) noise(n int) []byte {
	from := c.rng.IntN(len(anything) - n)
	return bytes.Clone(anything[from : from+n])
}

// reset gives up a stream. Frames of the other side may be in flight.
func (c *Conversation) reset(d Dir) {
	s := c.pick(func(s *stream) bool { return !s.closed })
	if s == nil {
		return
	}
	c.turn(d)
	code := []uint32{0, 1, 7, 8}[c.rng.IntN(4)]
	c.emit(rstStream, 0, s.id, u32(code))
	s.closed, s.reset[d] = true, true
	c.noteClosed(s)
	switch {
	case s.ended[Recv]:
		c.finish(s, "")
	case d == Recv:
		c.finish(s, "reset")
	case code == 0 || code == 8:
		c.finish(s, "aborted")
	default:
		c.finish(s, "protocol")
	}
	late := d.other()
	if s.ended[late] || !s.head[late] || c.opts.Plain || c.rng.IntN(2) == 0 {
		return
	}
	if n := min(c.conn[late], s.credit[late], 100); n > 0 {
		c.payload(late, s, n, 0)
	}
	c.turn(late)
	c.block(late, s.id, endStream, append(c.some(), hpack.HeaderField{Name: "x-late", Value: "1"}))
}

// leave has the server go away. It does not process the latest streams.
func (c *Conversation) leave() {
	if c.gone {
		return
	}
	c.gone = true
	c.turn(Recv)
	last := uint32(1<<31 - 1)
	if !c.opts.Plain { // it may answer some nevertheless
		last = c.next - min(c.next, 2*c.rng.Uint32N(4))
	}
	c.emit(goAway, 0, 0, append(u32(last), u32(0)...))
	for i := len(c.streams) - 1; i >= 0; i-- {
		if s := c.streams[i]; s.id > last {
			c.finish(s, "goaway")
		}
	}
}
