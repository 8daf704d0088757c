package flow

import (
	"net/netip"

	"h2trace/decoder"
	"h2trace/decoder/capture"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
	"h2trace/decoder/tls"
)

// Hooks are the functions that a Table calls for a connection. Those that are nil are not
// called. Where Tunnel is set, the Table itself does not look into the tunnel.
type Hooks struct {
	exchange.Hooks
	// TLS is called when a handshake is over, with what it agreed on.
	TLS func(at ktime.Time, info *tls.Info)
	// Unopened is called when TLS of a direction cannot be opened, once for each reason.
	Unopened func(at ktime.Time, dir decoder.Direction, why tls.Reason)
	// End is called when the connection has ended, or is followed no longer
	// (exchange.NotEnded), after all else.
	End func(at ktime.Time, by exchange.Ended)
}

// Conn is a connection. Direction decoder.Send is from Local to Remote.
type Conn struct {
	// Local is the address of the client, and Role is decoder.Client, if the packets show
	// that. Else Local is the endpoint with the higher port, and Role is RoleUnknown.
	Local, Remote netip.AddrPort
	Role          decoder.Role
	// FromStart says that the connection is seen from its first byte.
	FromStart bool
	// Secure says that it carries TLS.
	Secure bool
	// Outer is the connection to an HTTP proxy that this one goes through, or nil. Both
	// have the same addresses.
	Outer *Conn

	table  *Table
	key    key
	halves [2]half // by direction
	tcp    *tcp.Conn
	layer  *layer
	last   ktime.Time // of the latest packet
	reset  ktime.Time // of its RST, 0 before
	over   bool
	waits  bool // it is in Table.waiting
}

// newConn returns the connection that a segment begins, or continues.
func newConn(t *Table, s *capture.Segment) *Conn {
	c := &Conn{table: t, key: keyOf(s)}
	var sinks [2]tcp.Sink
	for d := range c.halves {
		c.halves[d] = half{conn: c, dir: decoder.Direction(d)}
		sinks[d] = &c.halves[d]
	}
	c.tcp = tcp.NewConn(t.segments, sinks)
	switch s.Flags & (capture.SYN | capture.ACK) {
	case capture.SYN:
		c.begins(s.Source, s.Dest)
	case capture.SYN | capture.ACK:
		c.begins(s.Dest, s.Source)
	default:
		c.Local, c.Remote = c.key.low, c.key.high
		if c.Local.Port() < c.Remote.Port() {
			c.Local, c.Remote = c.Remote, c.Local
		}
	}
	return c
}

// begins takes the endpoints of a handshake.
func (c *Conn) begins(client, server netip.AddrPort) {
	c.Local, c.Remote, c.Role, c.FromStart = client, server, decoder.Client, true
}

// open begins to decode what a connection carries. first says that nothing came before the
// bytes.
func (c *Conn) open(at ktime.Time, b []byte, dir decoder.Direction, first bool) {
	if !c.FromStart && first && Begins(b) { // the capture lacks the SYN alone
		c.FromStart, c.Role = true, decoder.Client
		if dir == decoder.Recv {
			c.Role = decoder.Server
		}
	}
	c.layer = newLayer(c, at, b)
	for d := range c.halves {
		if h := &c.halves[d]; h.missing > 0 {
			c.layer.hole(at, h.dir, h.missing)
		} else if h.unsure {
			c.layer.http.Missed(h.dir)
		}
	}
}

// dirOf returns the direction of what an endpoint sends.
func (c *Conn) dirOf(source netip.AddrPort) decoder.Direction {
	if source == c.Local {
		return decoder.Send
	}
	return decoder.Recv
}

// isAnother reports whether a segment belongs to another connection with the same ports.
func (c *Conn) isAnother(s *capture.Segment) bool {
	return c.halves[c.dirOf(s.Source)].numbers.Another(s.Seq, s.Length, s.Flags&capture.SYN != 0, s.Flags&capture.ACK != 0, c.over)
}

// segment takes a segment.
func (c *Conn) segment(at ktime.Time, s *capture.Segment) {
	c.last = max(c.last, at)
	if c.over {
		return
	}
	dir := c.dirOf(s.Source)
	own, peer := &c.halves[dir].numbers, &c.halves[dir^1].numbers
	seq := s.Seq
	if s.Flags&capture.SYN != 0 { // data may follow it (RFC 7413)
		seq++
	} else if s.Length > 0 && c.layer == nil {
		c.FromStart = c.FromStart && own.Begun()                         // else more may precede its payload
		c.halves[dir^1].unsure = c.halves[dir^1].unsure || !peer.Begun() // what it answers is not known
	}
	own.Begin(seq)
	if s.Flags&capture.ACK != 0 {
		peer.Acknowledge(s.Ack)
	}
	offset, ok := own.Place(seq)
	switch {
	case !ok:
		return
	case s.Flags&capture.RST != 0:
		if own.Reset(at, offset) && c.reset == 0 {
			c.reset = own.Ended()
		}
	default:
		c.take(at, dir, offset, s)
		if s.Flags&capture.FIN != 0 {
			own.FIN(at, offset+uint64(s.Length))
		}
	}
	c.giveUp(at)
}

// endedBy returns who ended the connection first.
func (c *Conn) endedBy() exchange.Ended {
	own, peer := c.halves[decoder.Send].numbers.Ended(), c.halves[decoder.Recv].numbers.Ended()
	if own == 0 || peer != 0 && peer < own {
		return exchange.EndedByPeer
	}
	return exchange.EndedByProcess
}

// end reports that the connection is over, once.
func (c *Conn) end(by exchange.Ended) {
	if c.over {
		return
	}
	c.over = true
	for d := range c.halves {
		n := &c.halves[d].numbers
		c.tcp.Acknowledge(d, max(n.Acked(), n.End()))
	}
	c.tcp.Flush(c.last)
	if c.layer != nil {
		c.layer.end(c.last, by)
		c.layer = nil
	}
}
