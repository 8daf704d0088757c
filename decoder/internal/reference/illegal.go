package reference

import "golang.org/x/net/http2/hpack"

// illegal adds a frame that breaks a rule, with the outcome that RFC 9113 has for it.
func (c *Conversation) illegal(d Dir) {
	switch c.rng.IntN(8) {
	case 0:
		c.oversend(d)
	case 1:
		c.idle(d)
	case 2:
		c.closed()
	case 3:
		c.misshapen(d)
	case 4:
		c.garbled(d)
	case 5: // (§5.1.1)
		if c.passed != 0 {
			c.turn(Send)
			c.spend(Send, nil, 5)
			c.emit(data, 0, c.passed, make([]byte, 5)).breaks("§5.1.1", 1)
		}
	case 6:
		c.turn(d)
		id := uint32(0)
		if s := c.pick(func(s *stream) bool { return !s.closed }); s != nil && c.rng.IntN(2) == 0 {
			id = s.id
		}
		c.emit(windowUpdate, 0, id, u32(0)).breaks("§6.9", 1)
	case 7:
		c.turn(d)
		c.emit(ping, 0, c.next-min(c.next, 2), []byte("12345678"))
		if f := &c.Frames[len(c.Frames)-1]; f.Stream != 0 {
			f.breaks("§6.7", 1)
		}
	}
}

// oversend sends DATA beyond the credit (§6.9.1).
func (c *Conversation) oversend(d Dir) {
	s := c.pick(func(s *stream) bool { return !s.closed && s.head[d] && !s.ended[d] })
	if s == nil {
		return
	}
	if f, may := c.payload(d, s, 1+c.rng.Int64N(16384), 0); !may {
		f.breaks("§6.9.1", 3)
	}
}

// idle has a frame on a stream that nobody opened (§5.1).
func (c *Conversation) idle(d Dir) {
	c.turn(d)
	id := c.next + 2*c.rng.Uint32N(100)
	switch c.rng.IntN(3) {
	case 0:
		c.spend(d, nil, 7)
		c.emit(data, 0, id, make([]byte, 7)).breaks("§5.1", 1)
	case 1:
		c.emit(rstStream, 0, id, u32(8)).breaks("§5.1", 1)
	case 2:
		c.emit(windowUpdate, 0, id, u32(8)).breaks("§5.1", 1)
	}
}

// closed has DATA on a stream that its sender ended or reset, or that the other side reset.
func (c *Conversation) closed() {
	s := c.justClosed()
	if s == nil {
		return
	}
	d := Dir(c.rng.IntN(2))
	switch f, may := c.payload(d, s, 3, 0); {
	case s.ended[d] || s.reset[d]:
		f.breaks("§5.1", 5)
	case !may:
		f.breaks("§6.9.1", 3)
	}
}

// misshapen has a payload of the wrong length.
func (c *Conversation) misshapen(d Dir) {
	c.turn(d)
	switch c.rng.IntN(6) {
	case 5: // the stream stays open
		if s := c.pick(func(s *stream) bool { return !s.closed }); s != nil {
			c.emit(rstStream, 0, s.id, make([]byte, 3)).breaks("§6.4", 6)
		}
	case 0:
		c.emit(ping, 0, 0, make([]byte, 7)).breaks("§6.7", 6)
	case 1:
		c.emit(settings, 0, 0, make([]byte, 5)).breaks("§6.5", 6)
	case 2:
		c.emit(settings, ack, 0, make([]byte, 6)).breaks("§6.5", 6)
	case 3:
		c.emit(windowUpdate, 0, 0, make([]byte, 3)).breaks("§6.9", 6)
	case 4:
		c.emit(goAway, 0, 0, make([]byte, 7)).breaks("§6.8", 6)
	}
}

// garbled has a field block that cannot be decoded, on a stream that the other side reset:
// the header table is unknown after it (RFC 9113 §4.3).
func (c *Conversation) garbled(d Dir) {
	s := c.justClosed()
	if s == nil || s.ended[d] || s.reset[d] {
		return
	}
	c.turn(d)
	t := &c.tables[d]
	fields := []hpack.HeaderField{{Name: "x-1", Value: "1"}}
	b, _ := c.encode(t, fields)
	switch c.rng.IntN(3) {
	case 0:
		b = append(b, 0x80) // index 0 (RFC 7541 §6.1)
	case 1:
		b = append(b, 0x40, 5, 'x') // a name that ends too early
	case 2:
		b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f) // an integer (§5.1)
	}
	f := c.emit(headers, endHeaders|endStream, s.id, b)
	f.Ends, f.Unknown = true, true
	f.breaks("§4.3", 9)
	t.lose()
}
