//go:build linux

package bpf

import (
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"
)

// TestHalfOpen floods a listening socket with SYNs from addresses that never answer.
// Nothing is kept of them: the kernel frees the owner of a socket with it, and a
// connection has a socket of its own when the handshake is over.
func TestHalfOpen(t *testing.T) {
	c := newWire(t, 1<<20)
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	raw, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(raw)
	to := endpointOf(t, ln.Addr())
	for i := range 2000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), 40_000)
		if err := unix.Sendto(raw, synOf(t, from, to), 0, &unix.SockaddrInet4{Addr: to.Addr().As4()}); err != nil {
			t.Fatal(os.NewSyscallError("sendto", err))
		}
	}
	if n := readAll(t, c, func(e Event) { t.Errorf("got a %T", e) }); n != 0 {
		t.Errorf("%d records of half-open connections", n)
	}
	client, server := pair(t, ln)
	say(t, client, server, tlsRecord)
	flows := readWire(t, c)
	if f := flows[endpointOf(t, server.LocalAddr())]; f == nil || f.known[Recv] != uint64(len(tlsRecord)) {
		t.Errorf("got %+v of the connection after the flood", f)
	}
}

// synOf returns a SYN with a request in it, as a client with TCP Fast Open sends.
func synOf(t *testing.T, from, to netip.AddrPort) []byte {
	t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
	segment := &layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: 1, SYN: true, Window: 1024}
	if err := segment.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	packet := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(packet, options, ip, segment, gopacket.Payload(tlsRecord)); err != nil {
		t.Fatal(err)
	}
	return packet.Bytes()
}
