//go:build linux

package bpf

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// hugePacket returns a packet of TCP with options, and a payload that is too long for one.
// jumbo puts the options of a jumbo payload (RFC 2675 §2) before it, as Linux does up to 6.18.
func hugePacket(v6, jumbo bool, payload int) []byte {
	b := []byte{0x46, 0, 0, 0, 0xff, 0xff, 0x40, 0, 64, unix.IPPROTO_TCP, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 1, 1, 1, 1}
	if v6 {
		b = append([]byte{0x60, 0, 0, 0, 0, 0, unix.IPPROTO_TCP, 64}, make([]byte, 32)...)
	}
	if jumbo {
		b[6] = unix.IPPROTO_HOPOPTS
		b = append(b, unix.IPPROTO_TCP, 0, 0xc2, 4, 0, 1, 0, 0)
	}
	const flags = flagFIN | flagPSH | flagCWR | 0x10
	b = append(b, 0x9c, 0x40, 1, 0xbb, 0xff, 0xff, 0xff, 0, 0, 0, 0, 9, 0x60, flags, 0, 8, 0, 0, 0, 0, 1, 1, 1, 1)
	for i := range payload {
		b = append(b, byte(i>>8), byte(i))[:len(b)+1]
	}
	return b
}

// TestCut cuts packets. The numbers of IPv4 and TCP wrap around. TestPacketCapture compares
// with what the kernel makes.
func TestCut(t *testing.T) {
	for _, tt := range []struct {
		name      string
		v6, jumbo bool
		ip        int // bytes of its header
	}{{"IPv4", false, false, 24}, {"IPv6", true, false, 40}, {"jumbo", true, true, 40}} {
		t.Run(tt.name, func(t *testing.T) {
			const size, total = 1000, 70_500
			whole := hugePacket(tt.v6, tt.jumbo, total)
			want := whole[len(whole)-total:]
			var got []byte
			for i, p := range cut(nil, whole, size) {
				tcp := p[tt.ip:]
				id, length := binary.BigEndian.Uint16(p[4:]), int(binary.BigEndian.Uint16(p[2:]))
				if tt.v6 {
					id, length = uint16(0xffff+i), int(binary.BigEndian.Uint16(p[4:]))+40
				}
				flags := byte(0x10)
				if i == 0 {
					flags |= flagCWR
				}
				if last := i == total/size; last {
					flags |= flagFIN | flagPSH
				}
				if seq := binary.BigEndian.Uint32(tcp[4:]); length != len(p) || id != uint16(0xffff+i) ||
					seq != 0xffffff00+uint32(len(got)) || tcp[13] != flags || tt.v6 && p[6] != unix.IPPROTO_TCP {
					t.Fatalf("segment %d: number %d, length %d of %d, seq %d, flags %#x", i, id, length, len(p), seq, tcp[13])
				}
				got = append(got, tcp[24:]...)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got %d bytes of payload, or others than these %d", len(got), len(want))
			}
		})
	}
}

// TestUncut has packets that stay as they are.
func TestUncut(t *testing.T) {
	udp := hugePacket(false, false, 70_000)
	udp[9] = unix.IPPROTO_UDP
	for name, p := range map[string]struct {
		packet []byte
		size   int
	}{
		"short": {hugePacket(false, false, 60_000), 1000}, "one segment": {hugePacket(false, false, 70_000), 0}, "UDP": {udp, 1000},
	} {
		if got := cut(nil, p.packet, p.size); len(got) != 1 || !bytes.Equal(got[0], p.packet) {
			t.Errorf("%s: got %d packets", name, len(got))
		}
	}
}

// FuzzCut takes any headers before a long payload.
func FuzzCut(f *testing.F) {
	for _, v6 := range []bool{false, true} {
		for _, jumbo := range []bool{false, v6} {
			f.Add(hugePacket(v6, jumbo, 0), uint16(1000))
		}
	}
	f.Fuzz(func(t *testing.T, head []byte, size uint16) {
		whole := append(bytes.Clone(head), make([]byte, maxPacket+1)...)
		packets := cut(nil, whole, int(size%2000)+100)
		n := 0
		for _, p := range packets {
			n += len(p)
		}
		if len(packets) == 0 || n < maxPacket-200 || n > len(whole)+len(packets)*(60+60) {
			t.Errorf("got %d packets with %d bytes", len(packets), n)
		}
	})
}
