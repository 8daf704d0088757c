package capture

import "encoding/binary"

// LinkType says what precedes IP in a packet (draft-ietf-opsawg-pcaplinktype).
type LinkType uint16

// The link types that are understood.
const (
	LinkNull     LinkType = 0
	LinkEthernet LinkType = 1
	LinkPPP      LinkType = 9
	LinkRawBSD   LinkType = 12 // DLT_RAW, which some systems write
	LinkRawOpen  LinkType = 14 // the same, of OpenBSD
	LinkRaw      LinkType = 101
	LinkLoop     LinkType = 108
	LinkLinuxSLL LinkType = 113 // Linux cooked capture
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkSLL2     LinkType = 276 // Linux cooked capture, version 2
)

// etherType says what follows a header of Ethernet.
type etherType uint16

const (
	etherIPv4    etherType = 0x0800
	etherVLAN    etherType = 0x8100
	etherIPv6    etherType = 0x86dd
	etherMPLS    etherType = 0x8847
	etherPPPoE   etherType = 0x8864
	etherQinQ    etherType = 0x88a8
	etherQinQOld etherType = 0x9100

	maxTags = 8 // of VLAN and MPLS in one packet
)

// pastLink returns where the IP header of a packet begins, and -1 for a packet without.
func pastLink(link LinkType, b []byte) int {
	switch link {
	case LinkNull, LinkLoop:
		return within(4, b)
	case LinkRawBSD, LinkRawOpen, LinkRaw, LinkIPv4, LinkIPv6:
		return 0
	case LinkEthernet:
		return pastTags(b, 12)
	case LinkLinuxSLL:
		return pastTags(b, 14)
	case LinkSLL2:
		if len(b) < 20 {
			return -1
		}
		return pastType(etherType(binary.BigEndian.Uint16(b)), b, 20)
	case LinkPPP:
		if len(b) > 1 && b[0] == 0xff && b[1] == 3 { // RFC 1662 §3.1
			return within(4, b)
		}
		return within(2, b)
	}
	return -1
}

// within returns n if there are more bytes, else -1.
func within(n int, b []byte) int {
	if n >= len(b) {
		return -1
	}
	return n
}

// pastTags returns where IP begins after an EtherType at an offset.
func pastTags(b []byte, at int) int {
	if at+2 > len(b) {
		return -1
	}
	return pastType(etherType(binary.BigEndian.Uint16(b[at:])), b, at+2)
}

// pastType returns where IP begins in what an EtherType announces at an offset.
func pastType(t etherType, b []byte, at int) int {
	for range maxTags {
		switch t {
		case etherIPv4, etherIPv6:
			return within(at, b)
		case etherVLAN, etherQinQ, etherQinQOld: // IEEE 802.1Q
			if at+4 > len(b) {
				return -1
			}
			t = etherType(binary.BigEndian.Uint16(b[at+2:]))
			at += 4
		case etherMPLS:
			return pastLabels(b, at)
		case etherPPPoE: // RFC 2516 §4, and the protocol of PPP
			return within(at+8, b)
		default:
			return -1
		}
	}
	return -1
}

// pastLabels returns where the packet below labels of MPLS begins (RFC 3032 §2.1).
func pastLabels(b []byte, at int) int {
	for range maxTags {
		if at+4 > len(b) {
			return -1
		}
		bottom := b[at+2]&1 != 0
		if at += 4; bottom {
			return within(at, b)
		}
	}
	return -1
}
