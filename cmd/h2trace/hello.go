package main

import (
	"net/netip"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/clienthello"
	"h2trace/export"
)

// maxHellos bounds the ClientHellos that are not complete, or whose connections
// are not known.
const maxHellos = 256

// ends are the addresses of a connection, which the packets of a socket have in
// common with the tls.Conn on it.
type ends struct{ local, remote netip.AddrPort }

// hellos joins what clients offer with the connections that they offer it on.
type hellos struct {
	open  map[ends]*tracedConn // with TLS
	parts map[uint64][]byte    // by socket
	early map[ends]*export.Offer
}

func newHellos() hellos {
	return hellos{
		open: make(map[ends]*tracedConn), parts: make(map[uint64][]byte), early: make(map[ends]*export.Offer),
	}
}

// packet takes a packet with a piece of a ClientHello. One that is sent again,
// or comes out of order, is of no use, and neither is what is cut.
func (h *hellos) packet(p *bpf.Packet) {
	part := h.parts[p.Socket]
	if int(p.Seq) != len(part) || len(part)+len(p.Payload) > clienthello.MaxLength {
		return
	}
	part = append(part, p.Payload...)
	offer, ok := clienthello.Parse(part)
	if !ok {
		if len(h.parts) >= maxHellos {
			clear(h.parts)
		}
		h.parts[p.Socket] = part
		return
	}
	delete(h.parts, p.Socket)
	at := ends{p.Local, p.Remote}
	o := &export.Offer{ALPN: offer.ALPN, Versions: offer.Versions, SNI: offer.SNI}
	if c := h.open[at]; c != nil && c.event.Offer == nil {
		c.event.Offer = o
		return
	}
	if len(h.early) >= maxHellos {
		clear(h.early)
	}
	h.early[at] = o
}

// opened enters a connection with TLS.
func (h *hellos) opened(c *tracedConn) {
	at := c.ends()
	if !at.remote.IsValid() {
		return
	}
	h.open[at] = c
	if o := h.early[at]; o != nil {
		c.event.Offer = o
		delete(h.early, at)
	}
}

// closed drops a connection.
func (h *hellos) closed(c *tracedConn) {
	if at := c.ends(); h.open[at] == c {
		delete(h.open, at)
	}
}

func (c *tracedConn) ends() ends { return ends{c.event.Local, c.event.Remote} }
