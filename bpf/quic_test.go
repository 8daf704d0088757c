//go:build linux

package bpf

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// longPacket is a datagram that begins with a long header (RFC 8999 §5.1), and is padded.
func longPacket(first byte, version uint32, size int) []byte {
	b := binary.BigEndian.AppendUint32([]byte{first}, version)
	b = append(append(b, 8), "ofserver\x00"...)
	return append(b, make([]byte, size-len(b))...)
}

// quicPacket is what is reported of one packet.
type quicPacket struct {
	Dir    int
	Remote netip.AddrPort
	Sizes  []int // of its datagrams
}

// quicCapture is what is reported of QUIC.
type quicCapture struct {
	packets  []quicPacket
	sockets  []uint64
	released []uint64
	flows    map[QUICFlow]QUICCount
	others   int
}

// readQUIC reads all records.
func readQUIC(t *testing.T, c *Collector) (got quicCapture) {
	t.Helper()
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *QUIC:
			p := quicPacket{Dir: e.Dir, Remote: e.Remote}
			e.Datagrams(func(b []byte) { p.Sizes = append(p.Sizes, len(b)) })
			got.packets = append(got.packets, p)
			if !slices.Contains(got.sockets, e.Socket) {
				got.sockets = append(got.sockets, e.Socket)
			}
		case *Released:
			got.released = append(got.released, e.Socket)
		default:
			got.others++
		}
	})
	list, err := c.QUICFlows.ListQUIC()
	if err != nil {
		t.Fatal(err)
	}
	got.flows = list
	return got
}

func newQUICCollector(t *testing.T, wire bool) *Collector {
	t.Helper()
	c := newUnattached(t, Options{BufferSize: 1 << 20, Wire: wire})
	if err := c.PacketsWatched(); err != nil {
		t.Skip(err.Error())
	}
	return c
}

// datagramPair returns both ends of a flow: a connected socket, and one that is not.
func datagramPair(t *testing.T, network, address string) (client *net.UDPConn, server *net.UDPConn) {
	t.Helper()
	addr, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if server, err = net.ListenUDP(network, addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	to := server.LocalAddr().(*net.UDPAddr)
	if to.IP.IsUnspecified() { // of both IPv6 and IPv4
		to.IP = net.IPv4(127, 0, 0, 1)
	}
	if client, err = net.DialUDP("udp", nil, to); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, server
}

// flight sends datagrams from the client, or from the server to it, and waits until they
// have come.
type flight struct {
	client, server *net.UDPConn
}

func (f flight) send(t *testing.T, fromClient bool, b []byte, datagrams int) {
	t.Helper()
	to := f.server
	var err error
	if fromClient {
		_, err = f.client.Write(b)
	} else {
		to = f.client
		_, err = f.server.WriteTo(b, f.client.LocalAddr())
	}
	if err != nil {
		t.Fatal(err)
	}
	for range datagrams {
		if _, _, err := to.ReadFrom(make([]byte, 1<<16)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestQUIC has both ends of a flow in a target. What may show the connection is reported,
// and all is counted.
func TestQUIC(t *testing.T) {
	for _, tt := range []struct {
		name, network, address string
		first                  []byte
		before                 bool // the sockets exist before their process is a target
	}{
		{"v1", "udp4", "127.0.0.1:0", longPacket(0xc3, 1, 1200), false},
		{"v2", "udp4", "127.0.0.1:0", longPacket(0xd3, 0x6b3343cf, 1350), false},
		{"another version", "udp6", "[::1]:0", longPacket(0xff, 0xff00001d, 1200), false},
		{"IPv4 to a socket of IPv6", "udp", "[::]:0", longPacket(0xc0, 1, 1200), false},
		{"v1 over IPv6", "udp6", "[::1]:0", longPacket(0xc0, 1, 1452), false},
		{"from before", "udp4", "127.0.0.1:0", longPacket(0xc0, 1, 1200), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newQUICCollector(t, true)
			var f flight
			if tt.before {
				f.client, f.server = datagramPair(t, tt.network, tt.address)
			}
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			if tt.before {
				if err := c.Sockets.OwnSockets(os.Getpid(), 0, "test"); err != nil {
					t.Fatal(err)
				}
			} else {
				f.client, f.server = datagramPair(t, tt.network, tt.address)
			}
			version := binary.BigEndian.Uint32(tt.first[1:])
			f.send(t, true, tt.first, 1)
			f.send(t, false, longPacket(tt.first[0], version, 1200), 1)
			f.send(t, false, longPacket(0x80, 0, 40), 1) // as of Version Negotiation
			for range 30 {
				f.send(t, true, bytes.Repeat([]byte{0x40}, 100), 1)
			}
			f.send(t, false, bytes.Repeat([]byte{0x40}, 1000), 1)
			f.send(t, true, longPacket(tt.first[0], version, 200), 1) // late
			f.send(t, true, tt.first, 1)                              // of another connection
			got := readQUIC(t, c)

			client := f.client.LocalAddr().(*net.UDPAddr).AddrPort()
			server := f.client.RemoteAddr().(*net.UDPAddr).AddrPort()
			var want []quicPacket
			for _, p := range []struct {
				fromClient bool
				size       int
			}{{true, len(tt.first)}, {false, 1200}, {false, 40}, {true, len(tt.first)}} {
				sent, received := quicPacket{Send, server, []int{p.size}}, quicPacket{Recv, client, []int{p.size}}
				if !p.fromClient {
					sent.Remote, received.Remote = client, server
				}
				want = append(want, sent, received)
			}
			if !slices.EqualFunc(got.packets, want, func(a, b quicPacket) bool {
				return a.Dir == b.Dir && a.Remote == b.Remote && slices.Equal(a.Sizes, b.Sizes)
			}) {
				t.Errorf("got packets %+v\nwant %+v", got.packets, want)
			}
			up, down := uint64(2*len(tt.first)+30*100+200), uint64(1200+40+1000)
			for flow, n := range got.flows {
				mine := QUICCount{Bytes: [2]uint64{up, down}, Datagrams: [2]uint64{33, 3}}
				if flow.Remote == client {
					mine = QUICCount{Bytes: [2]uint64{down, up}, Datagrams: [2]uint64{3, 33}}
				}
				if n != mine {
					t.Errorf("%v: got %+v, want %+v", flow, n, mine)
				}
			}
			if len(got.flows) != 2 || len(got.released) != 0 || got.others != 0 {
				t.Errorf("got flows %v, %d released, %d other records", got.flows, len(got.released), got.others)
			}
			checkReleased(t, c, f, got)
		})
	}
}

// checkReleased closes both sockets, and forgets their flows.
func checkReleased(t *testing.T, c *Collector, f flight, got quicCapture) {
	t.Helper()
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil { // as at its end
		t.Fatal(err)
	}
	_, _ = f.client.Close(), f.server.Close()
	for flow, n := range got.flows {
		if again, ok, err := c.QUICFlows.CountQUIC(flow); !ok || err != nil || again != n {
			t.Errorf("got %+v, %t, %v, want %+v", again, ok, err, n)
		}
		if err := c.QUICFlows.ForgetQUIC(flow); err != nil {
			t.Error(err)
		}
	}
	after := readQUIC(t, c)
	slices.Sort(after.released)
	slices.Sort(got.sockets)
	if !slices.Equal(after.released, got.sockets) || len(after.flows) != 0 {
		t.Errorf("got released %v and flows %v, want %v", after.released, after.flows, got.sockets)
	}
}

// TestQUICOwner has a socket whose process has executed another program: that goes on with
// the flow.
func TestQUICOwner(t *testing.T) {
	c := newQUICCollector(t, true)
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	var f flight
	f.client, f.server = datagramPair(t, "udp4", "127.0.0.1:0")
	f.send(t, true, longPacket(0xc0, 1, 1200), 1)
	if err := c.Targets.byPID.Put(uint32(os.Getpid()), uint32(1000)); err != nil { // as at its exec
		t.Fatal(err)
	}
	f.send(t, false, bytes.Repeat([]byte{0x40}, 100), 1)
	f.send(t, true, bytes.Repeat([]byte{0x40}, 100), 1)
	for flow, n := range readQUIC(t, c).flows {
		if n.Bytes[Send]+n.Bytes[Recv] != 1400 {
			t.Errorf("%v: got %+v", flow, n)
		}
	}
}

// TestQUICSegments has several datagrams in one packet (UDP_SEGMENT in udp(7)). They arrive
// one by one, or together as well (UDP_GRO).
func TestQUICSegments(t *testing.T) {
	for name, together := range map[string]bool{"one by one": false, "together": true} {
		t.Run(name, func(t *testing.T) {
			c := newQUICCollector(t, true)
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			var f flight
			f.client, f.server = datagramPair(t, "udp4", "127.0.0.1:0")
			setUDP(t, f.client, unix.UDP_SEGMENT, 1250)
			reads, want := 3, []int{1250, 1250}
			if together {
				setUDP(t, f.server, unix.UDP_GRO, 1)
				reads, want = 1, []int{1250, 1250, 60}
			}
			f.send(t, true, slices.Concat(longPacket(0xc0, 1, 1250), longPacket(0xc0, 1, 1250), longPacket(0xe0, 1, 60)), reads)
			got := readQUIC(t, c)
			var sent, received []int
			for _, p := range got.packets {
				if p.Dir == Send {
					sent = append(sent, p.Sizes...)
				} else {
					received = append(received, p.Sizes...)
				}
			}
			// Older kernels take the datagrams apart before they reach the socket, UDP_GRO or
			// not. Then the last one is no Initial packet, and not reported.
			apart := slices.Equal(received, []int{1250, 1250})
			if !slices.Equal(sent, []int{1250, 1250, 60}) || !slices.Equal(received, want) && !apart {
				t.Errorf("got sent %v, received %v, want received %v", sent, received, want)
			}
			for flow, n := range got.flows {
				if n.Bytes[Send]+n.Bytes[Recv] != 2560 || n.Datagrams[Send]+n.Datagrams[Recv] != 3 {
					t.Errorf("%v: got %+v", flow, n)
				}
			}
		})
	}
}

// setUDP sets an option of a UDP socket.
func setUDP(t *testing.T, conn *net.UDPConn, option, value int) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var optionErr error
	if err := raw.Control(func(fd uintptr) {
		optionErr = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, option, value)
	}); err != nil || optionErr != nil {
		t.Fatal(err, optionErr)
	}
}

// TestNoQUIC has datagrams of other protocols, of others' sockets, and without
// Options.Wire. Nothing of them is reported or kept.
func TestNoQUIC(t *testing.T) {
	for _, tt := range []struct {
		name         string
		wire, target bool
		b            []byte
	}{
		{"short header", true, true, bytes.Repeat([]byte{0x41}, 1200)},
		{"RTP", true, true, longPacket(0x80, 0xff00001d, 1200)},
		{"a Handshake packet", true, true, longPacket(0xe0, 1, 1200)},
		{"too short to begin", true, true, longPacket(0xc0, 1, 1199)},
		{"short connection ID", true, true, append([]byte{0xc0, 0, 0, 0, 1, 7}, make([]byte, 1200)...)},
		{"Version Negotiation", true, true, longPacket(0xc0, 0, 1200)},
		{"empty", true, true, nil},
		{"one byte", true, true, []byte{0xc0}},
		{"another process", true, false, longPacket(0xc0, 1, 1200)},
		{"not wanted", false, true, longPacket(0xc0, 1, 1200)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newQUICCollector(t, tt.wire)
			if tt.target {
				if err := c.Targets.AddTarget(os.Getpid()); err != nil {
					t.Fatal(err)
				}
			}
			var f flight
			f.client, f.server = datagramPair(t, "udp4", "127.0.0.1:0")
			f.send(t, true, tt.b, 1)
			f.send(t, false, tt.b, 1)
			_, _ = f.client.Close(), f.server.Close()
			if got := readQUIC(t, c); len(got.packets)+len(got.flows)+len(got.released)+got.others != 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
}
