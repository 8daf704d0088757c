//go:build linux

package bpf

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"
)

// overtake makes later bytes of a connection over IPv4 arrive now: off after those
// already sent. Whoever sends them again later keeps both ends consistent.
func overtake(t *testing.T, conn net.Conn, off int, b []byte) {
	t.Helper()
	local, remote := endpointOf(t, conn.LocalAddr()), endpointOf(t, conn.RemoteAddr())
	sent, received := sequences(t, conn)
	ip := &layers.IPv4{
		Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: local.Addr().AsSlice(), DstIP: remote.Addr().AsSlice(),
	}
	segment := &layers.TCP{
		SrcPort: layers.TCPPort(local.Port()), DstPort: layers.TCPPort(remote.Port()),
		Seq: sent + uint32(off), Ack: received, ACK: true, PSH: true, Window: 1024,
	}
	packet := gopacket.NewSerializeBuffer()
	if err := segment.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(packet, options, ip, segment, gopacket.Payload(b)); err != nil {
		t.Fatal(err)
	}
	raw, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(raw)
	if err := unix.Sendto(raw, packet.Bytes(), 0, &unix.SockaddrInet4{Addr: remote.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
}

func endpointOf(t *testing.T, a net.Addr) netip.AddrPort {
	t.Helper()
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sequences returns the next sequence numbers that a connection sends and expects
// (tcp(7): for saving and restoring).
func sequences(t *testing.T, conn net.Conn) (sent, received uint32) {
	t.Helper()
	const receiveQueue, sendQueue, repair, noProbe = 1, 2, 1, -1
	control, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = control.Control(func(fd uintptr) {
		set := func(option, value int) {
			if err := unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, option, value); err != nil {
				t.Fatal(err)
			}
		}
		get := func(queue int) uint32 {
			set(unix.TCP_REPAIR_QUEUE, queue)
			n, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ)
			if err != nil {
				t.Fatal(err)
			}
			return uint32(n)
		}
		set(unix.TCP_REPAIR, repair)
		sent, received = get(sendQueue), get(receiveQueue)
		set(unix.TCP_REPAIR, noProbe)
	})
	if err != nil {
		t.Fatal(err)
	}
	return sent, received
}
