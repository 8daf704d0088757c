package packets

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// ports are those of the packets of TestParse.
const fromPort, toPort = 40000, 443

func serialize(t testing.TB, list ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, list...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// samples are packets with all kinds of headers before "payload".
func samples(t testing.TB) map[string][]byte {
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
	options := []byte{byte(layers.IPProtocolTCP), 0, 1, 4, 0, 0, 0, 0} // PadN (RFC 8200 §4.2)
	atFragment := []byte{byte(layers.IPProtocolTCP), 0, 0, 0, 0, 0, 0, 1}
	later := ip4(layers.IPProtocolTCP)
	later.FragOffset = 3
	return map[string][]byte{
		"TCP":                     serialize(t, ip4(layers.IPProtocolTCP), tcp, payload),
		"UDP":                     serialize(t, ip4(layers.IPProtocolUDP), udp, payload),
		"TCP, IP options":         serialize(t, ip4(layers.IPProtocolTCP, layers.IPv4Option{OptionType: 1, OptionLength: 1}), tcp, payload),
		"TCP over IPv6":           serialize(t, ip6(layers.IPProtocolTCP), tcp, payload),
		"UDP over IPv6":           serialize(t, ip6(layers.IPProtocolUDP), udp, payload),
		"TCP, hop-by-hop options": serialize(t, ip6(layers.IPProtocolIPv6HopByHop), gopacket.Payload(options), tcp, payload),
		"TCP, fragment header":    serialize(t, ip6(layers.IPProtocolIPv6Fragment), gopacket.Payload(atFragment), tcp, payload),
		"later fragment, none":    serialize(t, later, tcp, payload),
		"ICMP, none":              serialize(t, ip4(layers.IPProtocolICMPv4), payload),
		"cut, none":               serialize(t, ip4(layers.IPProtocolTCP), tcp)[:30],
	}
}

func TestParse(t *testing.T) {
	for name, b := range samples(t) {
		h, ok := parse(b)
		none := bytes.HasSuffix([]byte(name), []byte("none"))
		if ok == none {
			t.Errorf("%s: got %v", name, ok)
		}
		if none {
			continue
		}
		tcp := bytes.HasPrefix([]byte(name), []byte("TCP"))
		if h.from.Port() != fromPort || h.to.Port() != toPort || h.from.Addr().Next() != h.to.Addr() || string(h.payload) != "payload" || tcp != (h.flags == flagFIN) {
			t.Errorf("%s: got %+v", name, h)
		}
	}
}

// FuzzParse takes any packet, as a peer may send it.
func FuzzParse(f *testing.F) {
	for _, b := range samples(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := parse(b)
		if len(h.payload) > len(b) || ok && !h.from.IsValid() {
			t.Errorf("got %+v", h)
		}
		helloOf(h.payload, clientHello)
	})
}
