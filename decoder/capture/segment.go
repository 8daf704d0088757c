package capture

import (
	"encoding/binary"
	"net/netip"
)

// Flags of TCP (RFC 9293 §3.1).
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// Segment is what the headers of a packet of TCP or UDP say.
type Segment struct {
	Source, Dest netip.AddrPort
	TCP          bool // else UDP
	Seq, Ack     uint32
	Flags        uint8
	TTL          uint8  // or hop limit
	ID           uint16 // of the packet of IPv4 (RFC 6864), 0 if there is none
	// Payload is the payload as far as it was captured, and Length that on the wire.
	Payload []byte
	Length  int
}

// Outcome says what became of a packet.
type Outcome uint8

// The outcomes.
const (
	Taken       Outcome = iota
	OtherLink           // its link type is not understood
	NoTransport         // it is neither TCP nor UDP over IP
	Fragment            // a fragment of IP (RFC 791 §3.2)
	Short               // too little of it was captured, or its lengths do not fit
)

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case Taken:
		return "taken"
	case OtherLink:
		return "link type not understood"
	case NoTransport:
		return "neither TCP nor UDP"
	case Fragment:
		return "fragment of IP"
	case Short:
		return "headers cut or damaged"
	}
	return "unknown"
}

// Protocols of IP.
const (
	protocolHopByHop    = 0
	protocolIPv4        = 4 // in IP (RFC 2003)
	protocolTCP         = 6
	protocolUDP         = 17
	protocolIPv6        = 41 // in IP (RFC 4213)
	protocolRouting     = 43
	protocolFragment    = 44
	protocolAH          = 51
	protocolDestination = 60

	maxHeaders = 8 // of IP in one packet, extension headers included
)

// Dissect reads the headers of a packet. The payload is a part of p.Data.
func (s *Segment) Dissect(p *Packet) Outcome {
	at := pastLink(p.Link, p.Data)
	if at < 0 {
		if knownLink(p.Link) {
			return NoTransport
		}
		return OtherLink
	}
	return s.network(p.Data[at:], p.Length-at)
}

func knownLink(l LinkType) bool {
	switch l {
	case LinkNull, LinkEthernet, LinkPPP, LinkRawBSD, LinkRawOpen, LinkRaw, LinkLoop, LinkLinuxSLL, LinkIPv4, LinkIPv6, LinkSLL2:
		return true
	}
	return false
}

// network reads headers of IP. length is that on the wire.
func (s *Segment) network(b []byte, length int) Outcome {
	for range maxHeaders {
		if len(b) == 0 {
			return Short
		}
		var proto uint8
		var source, dest netip.Addr
		var outcome Outcome
		switch b[0] >> 4 {
		case 4:
			proto, source, dest, b, length, outcome = s.ipv4(b, length)
		case 6:
			proto, source, dest, b, length, outcome = s.ipv6(b, length)
		default:
			return NoTransport
		}
		if outcome != Taken {
			return outcome
		}
		switch proto {
		case protocolTCP:
			return s.tcp(source, dest, b, length)
		case protocolUDP:
			return s.udp(source, dest, b, length)
		case protocolIPv4, protocolIPv6: // a tunnel
		default:
			return NoTransport
		}
	}
	return NoTransport
}

// cut returns the first n bytes, as far as they were captured.
func cut(b []byte, n int) []byte { return b[:min(n, len(b))] }

func (s *Segment) ipv4(b []byte, length int) (proto uint8, source, dest netip.Addr, rest []byte, n int, o Outcome) {
	header := int(b[0]&15) * 4
	if header < 20 || len(b) < header {
		return 0, source, dest, nil, 0, Short
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // the network card was to cut it, or it is longer than 64 KiB
		total = length
	}
	if total < header {
		return 0, source, dest, nil, 0, Short
	}
	if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
		return 0, source, dest, nil, 0, Fragment
	}
	s.TTL, s.ID = b[8], binary.BigEndian.Uint16(b[4:])
	source, dest = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	return b[9], source, dest, cut(b, total)[header:], total - header, Taken
}

func (s *Segment) ipv6(b []byte, length int) (proto uint8, source, dest netip.Addr, rest []byte, n int, o Outcome) {
	if len(b) < 40 {
		return 0, source, dest, nil, 0, Short
	}
	n = int(binary.BigEndian.Uint16(b[4:]))
	if n == 0 { // a jumbo payload (RFC 2675), or the network card was to cut it
		n = max(length-40, 0)
	}
	s.TTL, s.ID, proto = b[7], 0, b[6]
	source, dest = netip.AddrFrom16([16]byte(b[8:])).Unmap(), netip.AddrFrom16([16]byte(b[24:])).Unmap()
	rest = cut(b[40:], n)
	for range maxHeaders {
		size := 0
		switch proto {
		case protocolHopByHop, protocolRouting, protocolDestination:
			if len(rest) >= 2 {
				size = (int(rest[1]) + 1) * 8
			}
		case protocolAH: // RFC 4302 §2.2
			if len(rest) >= 2 {
				size = (int(rest[1]) + 2) * 4
			}
		case protocolFragment:
			if len(rest) >= 8 && binary.BigEndian.Uint16(rest[2:])&^6 == 0 { // the only one (RFC 6946)
				size = 8
				break
			}
			return 0, source, dest, nil, 0, Fragment
		default:
			return proto, source, dest, rest, n, Taken
		}
		if size == 0 || size > len(rest) {
			return 0, source, dest, nil, 0, Short
		}
		proto, rest, n = rest[0], rest[size:], n-size
	}
	return 0, source, dest, nil, 0, NoTransport
}

// tcp reads a header of TCP (RFC 9293 §3.1).
func (s *Segment) tcp(source, dest netip.Addr, b []byte, length int) Outcome {
	if len(b) < 20 {
		return Short
	}
	header := int(b[12]>>4) * 4
	if header < 20 || header > length {
		return Short
	}
	if length > maxPacket { // no header of IP said how long it is
		return Short
	}
	s.ports(source, dest, b)
	s.TCP, s.Seq, s.Ack, s.Flags = true, binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), b[13]
	s.Payload, s.Length = b[min(header, len(b)):], length-header
	return Taken
}

// udp reads a header of UDP (RFC 768).
func (s *Segment) udp(source, dest netip.Addr, b []byte, length int) Outcome {
	if len(b) < 8 {
		return Short
	}
	total := int(binary.BigEndian.Uint16(b[4:]))
	if total == 0 || total > length { // longer than 64 KiB, or not whole
		total = length
	}
	if total < 8 {
		return Short
	}
	if length > maxPacket { // no header of IP said how long it is
		return Short
	}
	s.ports(source, dest, b)
	s.TCP, s.Seq, s.Ack, s.Flags = false, 0, 0, 0
	s.Payload, s.Length = cut(b, total)[8:], total-8
	return Taken
}

func (s *Segment) ports(source, dest netip.Addr, b []byte) {
	s.Source = netip.AddrPortFrom(source, binary.BigEndian.Uint16(b))
	s.Dest = netip.AddrPortFrom(dest, binary.BigEndian.Uint16(b[2:]))
}
