package bpf

import "net/netip"

// Packet is a packet of a socket of a target. Payload is valid until the next Read.
type Packet struct {
	Dir           int // Send or Recv
	Local, Remote netip.AddrPort
	Socket        uint64 // identifies the socket
	TCP           bool
	// Seq is, of TCP, that of the first byte; of a ClientHello its offset in the stream; of
	// QUIC the size of each datagram, if the packet has many.
	Seq        uint32
	Length     int // of the whole payload; Payload is its beginning
	Payload    []byte
	Comm       string
	Generation Generation
}

// DNS is a packet between a target and a name server.
type DNS struct {
	Head
	Packet
}

// Hello is a packet with a piece of a ClientHello.
type Hello struct {
	Head
	Packet
}

// QUIC is the beginning of a packet of UDP that may show what a connection of QUIC is. It
// may have many datagrams (UDP_SEGMENT in udp(7)): Datagrams returns them.
type QUIC struct {
	Head
	Packet
}

// Flow returns the flow of the packet.
func (q *QUIC) Flow() QUICFlow { return QUICFlow{Socket: q.Socket, Remote: q.Remote} }

// Datagrams calls f with each datagram in the packet, as far as it was copied.
func (q *QUIC) Datagrams(f func([]byte)) {
	size := int(q.Seq)
	if size == 0 {
		size = len(q.Payload)
	}
	for b := q.Payload; len(b) > 0; b = b[min(size, len(b)):] {
		f(b[:min(size, len(b))])
	}
}

// Released is that a socket which has carried QUIC is closed.
type Released struct {
	Head
	Socket uint64
}

// QUICFlow is the datagrams between a socket and a peer.
type QUICFlow struct {
	Socket uint64
	Remote netip.AddrPort
}

// QUICCount counts the UDP payload and the datagrams of a flow, by direction.
type QUICCount struct{ Bytes, Datagrams [2]uint64 }
