package packets

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// path is the way of a packet.
type path struct {
	proto    uint8
	from, to netip.AddrPort
}

// headers are what the headers of a packet say.
type headers struct {
	path
	flags   uint8 // of TCP
	payload []byte
}

// Flags of TCP (RFC 9293 §3.1).
const (
	flagFIN = 1
	flagRST = 4
)

// parse takes the headers of IP (RFC 791 §3.1, RFC 8200 §3), TCP and UDP. It reports false for
// other packets.
func parse(b []byte) (h headers, ok bool) {
	var from, to netip.Addr
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		from, to = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
		if n := int(b[0]&15) * 4; n >= 20 && len(b) >= n && fragmentAt(b[6:]) == 0 {
			h.proto, b = b[9], b[n:]
		}
	case len(b) >= 40 && b[0]>>4 == 6:
		from, to = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
		h.proto, b = passExtensions(b[6], b[40:])
	}
	return h, h.transport(b, from, to)
}

func fragmentAt(b []byte) uint16 { return binary.BigEndian.Uint16(b) & 0x1fff }

// passExtensions passes over extension headers (RFC 8200 §4).
func passExtensions(proto uint8, b []byte) (uint8, []byte) {
	for len(b) >= 8 {
		n := (int(b[1]) + 1) * 8
		switch proto {
		case unix.IPPROTO_HOPOPTS, unix.IPPROTO_ROUTING, unix.IPPROTO_DSTOPTS:
		case unix.IPPROTO_FRAGMENT:
			if n = 8; binary.BigEndian.Uint16(b[2:])>>3 != 0 {
				return unix.IPPROTO_NONE, nil
			}
		default:
			return proto, b
		}
		if n > len(b) {
			break
		}
		proto, b = b[0], b[n:]
	}
	return unix.IPPROTO_NONE, nil
}

// transport takes the header of TCP or UDP (RFC 9293 §3.1, RFC 768).
func (h *headers) transport(b []byte, from, to netip.Addr) bool {
	n := 8
	switch {
	case h.proto == unix.IPPROTO_TCP && len(b) >= 20:
		n, h.flags = int(b[12]>>4)*4, b[13]
	case h.proto != unix.IPPROTO_UDP || len(b) < n:
		return false
	}
	if n > len(b) {
		return false
	}
	h.from = netip.AddrPortFrom(from, binary.BigEndian.Uint16(b))
	h.to = netip.AddrPortFrom(to, binary.BigEndian.Uint16(b[2:]))
	h.payload = b[n:]
	return true
}
