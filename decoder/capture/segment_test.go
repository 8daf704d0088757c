package capture

import (
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// ports are those of the packets of TestDissect.
const fromPort, toPort = 40000, 443

func serialize(t testing.TB, list ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, list...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDissect has packets with all kinds of headers before "payload".
func TestDissect(t *testing.T) {
	from4, to4 := netip.MustParseAddr("192.0.2.1").AsSlice(), netip.MustParseAddr("192.0.2.2").AsSlice()
	from6, to6 := netip.MustParseAddr("2001:db8::1").AsSlice(), netip.MustParseAddr("2001:db8::2").AsSlice()
	ip4 := func(p layers.IPProtocol, options ...layers.IPv4Option) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 64, Protocol: p, SrcIP: from4, DstIP: to4, Options: options}
	}
	ip6 := func(p layers.IPProtocol) *layers.IPv6 {
		return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: from6, DstIP: to6}
	}
	tcp := &layers.TCP{SrcPort: fromPort, DstPort: toPort, FIN: true, Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindNop}}}
	udp := &layers.UDP{SrcPort: fromPort, DstPort: toPort}
	payload := gopacket.Payload("payload")
	padN := gopacket.Payload{byte(layers.IPProtocolTCP), 0, 1, 4, 0, 0, 0, 0} // RFC 8200 §4.2
	only := gopacket.Payload{byte(layers.IPProtocolTCP), 0, 0, 0, 0, 0, 0, 1} // RFC 6946
	first := gopacket.Payload{byte(layers.IPProtocolTCP), 0, 0, 1, 0, 0, 0, 1}
	later := ip4(layers.IPProtocolTCP)
	later.FragOffset = 3
	for _, tt := range []struct {
		name   string
		packet []byte
		want   Outcome
		tcp    bool
	}{
		{"TCP", serialize(t, ip4(layers.IPProtocolTCP), tcp, payload), Taken, true},
		{"UDP", serialize(t, ip4(layers.IPProtocolUDP), udp, payload), Taken, false},
		{"IP options", serialize(t, ip4(layers.IPProtocolTCP, layers.IPv4Option{OptionType: 1, OptionLength: 1}), tcp, payload), Taken, true},
		{"TCP over IPv6", serialize(t, ip6(layers.IPProtocolTCP), tcp, payload), Taken, true},
		{"UDP over IPv6", serialize(t, ip6(layers.IPProtocolUDP), udp, payload), Taken, false},
		{"hop-by-hop options", serialize(t, ip6(layers.IPProtocolIPv6HopByHop), padN, tcp, payload), Taken, true},
		{"only fragment", serialize(t, ip6(layers.IPProtocolIPv6Fragment), only, tcp, payload), Taken, true},
		{"first fragment", serialize(t, ip6(layers.IPProtocolIPv6Fragment), first, tcp, payload), Fragment, false},
		{"later fragment", serialize(t, later, tcp, payload), Fragment, false},
		{"ICMP", serialize(t, ip4(layers.IPProtocolICMPv4), payload), NoTransport, false},
		{"cut", serialize(t, ip4(layers.IPProtocolTCP), tcp)[:30], Short, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s Segment
			got := s.Dissect(&Packet{Link: LinkRaw, Data: tt.packet, Length: len(tt.packet)})
			if got != tt.want {
				t.Fatalf("outcome %d, want %d", got, tt.want)
			}
			if got == Taken && (s.Source.Port() != fromPort || s.Dest.Port() != toPort || s.Source.Addr().Next() != s.Dest.Addr() ||
				s.TCP != tt.tcp || (s.Flags == FIN) != tt.tcp || string(s.Payload) != "payload" || s.Length != len("payload")) {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// TestLongSegment has a packet that says nowhere how long it is, but in the capture, where it has
// a length that no packet has.
func TestLongSegment(t *testing.T) {
	b := make([]byte, 60)
	b[0], b[9], b[20+12] = 0x45, protocolTCP, 0x50
	for _, c := range []struct {
		length int
		want   Outcome
	}{{60, Taken}, {512 << 10, Taken}, {1 << 30, Short}} {
		var s Segment
		if got := s.Dissect(&Packet{Link: LinkRaw, Data: b, Length: c.length}); got != c.want {
			t.Errorf("%d bytes: outcome %d, want %d", c.length, got, c.want)
		}
	}
}
