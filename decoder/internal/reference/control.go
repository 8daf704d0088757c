package reference

import "encoding/binary"

// update grants credit to the other side, for the connection if s is nil.
func (c *Conversation) update(d Dir, s *stream) {
	c.turn(d)
	n := 1 + c.rng.Int64N(40_000)
	if c.opts.Illegal && c.rng.IntN(10) == 0 {
		n = maxWindow - c.rng.Int64N(100_000)
	}
	fits, id := true, uint32(0)
	switch {
	case s == nil:
		fits = grant(&c.conn[d.other()], n)
	case s.closed:
		id = s.id
	default:
		id, fits = s.id, grant(&s.credit[d.other()], n)
	}
	if f := c.emit(windowUpdate, 0, id, u32(uint32(n))); !fits {
		f.breaks("§6.9.1", 3)
	}
}

// settings announces some. Those of the server take effect at once, those of the client when
// the server acknowledges them.
func (c *Conversation) settings(d Dir) {
	c.turn(d)
	var b []byte
	window, size, bad, overflows := int64(-1), -1, false, false
	if c.rng.IntN(3) == 0 {
		size = []int{0, 60, 300, 4096, 8192}[c.rng.IntN(5)]
		b = append(binary.BigEndian.AppendUint16(b, headerTableSize), u32(uint32(size))...)
	}
	if c.rng.IntN(2) == 0 {
		window = c.rng.Int64N(100_000)
		if c.opts.Illegal && c.rng.IntN(4) == 0 {
			window = maxWindow + c.rng.Int64N(3) - 1
		}
		b = append(binary.BigEndian.AppendUint16(b, initialWindowSize), u32(uint32(window))...)
		if bad = window > maxWindow; bad {
			window = -1
		}
	}
	c.sizes[d] = append(c.sizes[d], size)
	switch {
	case d == Send:
		c.announced = append(c.announced, window)
	case window >= 0:
		overflows = c.setInitial(Send, window)
	}
	if d == Recv {
		c.server++
	}
	switch f := c.emit(settings, 0, 0, b); {
	case bad:
		f.breaks("§6.5.2", 3)
	case overflows:
		f.breaks("§6.9.2", 3)
	}
}

// acknowledge acknowledges the oldest SETTINGS of the other side. Then the encoder of the
// side that does so obeys them (RFC 9113 §4.3.1).
func (c *Conversation) acknowledge(d Dir) {
	from := d.other()
	if len(c.sizes[from]) == 0 {
		return
	}
	c.turn(d)
	if size := c.sizes[from][0]; size >= 0 {
		t := &c.tables[d]
		t.allowed, t.least = size, min(t.least, size)
	}
	c.sizes[from] = c.sizes[from][1:]
	overflows := false
	if d == Recv {
		if n := c.announced[0]; n >= 0 {
			overflows = c.setInitial(Recv, n)
		}
		c.announced = c.announced[1:]
	}
	if f := c.emit(settings, ack, 0, nil); overflows {
		f.breaks("§6.9.2", 3)
	}
}
