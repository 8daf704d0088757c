package trace

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/clienthello"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
	"h2trace/export"
)

const (
	// maxHellos bounds the incomplete ClientHellos, and the complete ones of unknown
	// connections.
	maxHellos = 256
	// maxHelloBytes bounds the out-of-order bytes of ClientHellos.
	maxHelloBytes = 1 << 20
)

// hellos joins the offers of clients with their connections.
type hellos struct {
	open     map[endpoints]*connInfo // with TLS, the innermost on each socket
	parts    map[uint64]*helloStream
	segments *tcp.Budget
	early    map[endpoints]*export.Offer
	// sent is when each process last began TLS on a socket.
	sent map[int]ktime.Time
}

func newHellos() hellos {
	return hellos{
		open: make(map[endpoints]*connInfo), parts: make(map[uint64]*helloStream),
		segments: tcp.NewBudget(maxHelloBytes), early: make(map[endpoints]*export.Offer),
		sent: make(map[int]ktime.Time),
	}
}

// helloStream is a socket with an incomplete ClientHello.
type helloStream struct {
	stream tcp.Stream
	reader clienthello.Reader
	offer  *export.Offer // when it is
}

// Data implements tcp.Sink.
func (s *helloStream) Data(_ ktime.Time, b []byte) {
	if o, ok := s.reader.Take(b); ok {
		s.offer = offerOf(o)
	}
}

// Missing implements tcp.Sink.
func (s *helloStream) Missing(ktime.Time, uint64, tcp.Cause) { s.reader.Stop() }

func offerOf(o clienthello.Offer) *export.Offer {
	return &export.Offer{ALPN: o.ALPN, Versions: o.Versions, SNI: o.SNI}
}

// packet takes a part of a ClientHello. Parts come in any order.
func (h *hellos) packet(pid int, when ktime.Time, p *bpf.Packet) {
	h.sent[pid] = when
	s := h.parts[p.Socket]
	if s == nil {
		if len(h.parts) >= maxHellos {
			for socket := range h.parts {
				h.forget(socket)
			}
		}
		s = &helloStream{}
		h.parts[p.Socket] = s
	}
	s.stream.Segment(0, uint64(p.Seq), p.Payload, false, h.segments, s)
	if !s.reader.Over() {
		return
	}
	h.forget(p.Socket)
	if s.offer == nil {
		return
	}
	at := endpoints{p.Local, p.Remote}
	if c := h.open[at]; c != nil {
		c.event.Offer = s.offer
		return
	}
	h.hold(at, s.offer)
}

// forget frees the parts of a socket.
func (h *hellos) forget(socket uint64) {
	h.parts[socket].stream.Drop(h.segments)
	delete(h.parts, socket)
}

// inside takes the offer on a connection that begins inside another one.
func (h *hellos) inside(outer *connInfo, o *export.Offer) {
	at := outer.endpoints()
	if c := h.open[at]; c != nil && c != outer {
		c.event.Offer = o
		return
	}
	h.hold(at, o)
}

// hold keeps an offer until its connection is known.
func (h *hellos) hold(at endpoints, o *export.Offer) {
	if !at.remote.IsValid() {
		return
	}
	if len(h.early) >= maxHellos {
		clear(h.early)
	}
	h.early[at] = o
}

// opened enters a connection with TLS.
func (h *hellos) opened(c *connInfo) {
	at := c.endpoints()
	if !at.remote.IsValid() {
		return
	}
	h.open[at] = c
	if o := h.early[at]; o != nil {
		c.event.Offer = o
		delete(h.early, at)
	}
}

// closed drops a connection, and an offer that nobody took: the next connection with
// these addresses is another one.
func (h *hellos) closed(c *connInfo) {
	at := c.endpoints()
	if h.open[at] == c {
		delete(h.open, at)
	}
	delete(h.early, at)
}

// read takes the next bytes of a direction. The first bytes of the client may be a
// ClientHello. A server sends nothing before it has all of that.
func (h *hellos) read(r *clienthello.Reader, outer *connInfo, role decoder.Role, d decoder.Direction, b []byte) {
	if client, known := role.Client(); !known || d != client {
		r.Stop()
		return
	}
	if o, ok := r.Take(b); ok {
		h.inside(outer, offerOf(o))
	}
}
