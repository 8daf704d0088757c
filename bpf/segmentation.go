//go:build linux

package bpf

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// TCP hands over packets that are longer than any on a wire, and the kernel gets such from
// devices (Documentation/networking/segmentation-offloads.rst). An IP header has no length for
// more than maxPacket bytes: the kernel cuts those before most devices, and few programs read
// them. So they are cut here as the kernel does.

// maxPacket is the length of the longest packet that an IPv4 header has a length for (RFC 791
// §3.1).
const maxPacket = 1<<16 - 1

const (
	ipv4Header = 20
	ipv6Header = 40
	tcpHeader  = 20
	jumboSize  = 8 // of the hop-by-hop options with a jumbo payload (RFC 2675 §2)

	flagFIN, flagPSH, flagCWR = 0x01, 0x08, 0x80
)

// cut appends the segments of a packet of TCP that is too long, each with size bytes of
// payload. It appends the packet itself if it is none.
func cut(packets [][]byte, b []byte, size int) [][]byte {
	if len(b) <= maxPacket || size <= 0 {
		return append(packets, b)
	}
	head, payload, at, ok := tcpOf(b)
	if !ok {
		return append(packets, b)
	}
	old := len(head) - at + len(payload)
	for done := 0; done < len(payload); done += size {
		part := payload[done:min(done+size, len(payload))]
		seg := slices.Concat(head, part)
		number, last := done/size, done+size >= len(payload)
		setLength(seg, number)
		tcp := seg[at:]
		binary.BigEndian.PutUint32(tcp[4:], binary.BigEndian.Uint32(tcp[4:])+uint32(done))
		if !last {
			tcp[13] &^= flagFIN | flagPSH
		}
		if number > 0 {
			tcp[13] &^= flagCWR
		}
		binary.BigEndian.PutUint16(tcp[16:], otherLength(binary.BigEndian.Uint16(tcp[16:]), old, len(tcp)))
		packets = append(packets, seg)
	}
	return packets
}

// tcpOf returns the headers of a packet of TCP, and its payload. at is where the header of
// TCP is. The hop-by-hop header of a jumbo payload is left out.
func tcpOf(b []byte) (head, payload []byte, at int, ok bool) {
	switch b[0] >> 4 {
	case 4:
		at = int(b[0]&15) * 4
		ok = at >= ipv4Header && b[9] == unix.IPPROTO_TCP
	case 6:
		if b[6] == unix.IPPROTO_HOPOPTS && b[ipv6Header] == unix.IPPROTO_TCP && b[ipv6Header+1] == 0 {
			b = slices.Concat(b[:ipv6Header], b[ipv6Header+jumboSize:])
			b[6] = unix.IPPROTO_TCP
		}
		at, ok = ipv6Header, b[6] == unix.IPPROTO_TCP
	}
	if !ok {
		return nil, nil, 0, false
	}
	end := at + int(b[at+12]>>4)*4
	return b[:end], b[end:], at, end >= at+tcpHeader
}

// setLength sets the length of a segment, and of IPv4 its number and checksum (RFC 791 §3.1).
func setLength(seg []byte, number int) {
	if seg[0]>>4 == 6 {
		binary.BigEndian.PutUint16(seg[4:], uint16(len(seg)-ipv6Header))
		return
	}
	ip := seg[:int(seg[0]&15)*4]
	binary.BigEndian.PutUint16(ip[2:], uint16(len(seg)))
	binary.BigEndian.PutUint16(ip[4:], binary.BigEndian.Uint16(ip[4:])+uint16(number))
	ip[10], ip[11] = 0, 0
	var sum uint64
	for i := 0; i < len(ip); i += 2 {
		sum += uint64(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^fold(sum))
}

// otherLength returns what a checksum of the pseudo header is with another length. The device
// completes it (tcp_gso_segment of net/ipv4/tcp_offload.c).
func otherLength(sum uint16, before, after int) uint16 {
	return fold(uint64(sum) + uint64(^uint32(before)) + uint64(after))
}

// fold returns a sum in ones' complement (RFC 1071).
func fold(sum uint64) uint16 {
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}
