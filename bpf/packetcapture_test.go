//go:build linux

package bpf

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// newCapture returns a Collector that copies whole packets of this process.
func newCapture(t testing.TB, size int) *Collector {
	t.Helper()
	c := newUnattached(t, Options{BufferSize: 16 << 20, Wire: true, Capture: size})
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	return c
}

// captured returns the packets of this process so far, by direction.
func captured(t *testing.T, c *Collector) (packets [2][]string) {
	t.Helper()
	for {
		p, err := c.Capture.Read()
		switch {
		case err != nil:
			t.Fatal(err)
		case p == nil:
			return packets
		case p.PID != os.Getpid() || p.Socket == 0 || p.Time == 0 || p.Comm == "":
			t.Fatalf("got %+v", p)
		}
		packets[p.Dir] = append(packets[p.Dir], string(p.Bytes))
	}
}

// capturedUntil returns the packets of this process once there are n of each direction: a kernel
// that is busy receives some of them later than they are sent. It waits no longer than 10 s.
func capturedUntil(t *testing.T, c *Collector, n int) (packets [2][]string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		for dir, more := range captured(t, c) {
			if !sinceLinux(6, 18) {
				more = slices.DeleteFunc(more, isSYNACK6)
			}
			packets[dir] = append(packets[dir], more...)
		}
		if len(packets[Send]) >= n && len(packets[Recv]) >= n || time.Now().After(end) {
			return packets
		}
	}
}

// loopbackTap is a packet socket (packet(7)) on the loopback device.
type loopbackTap int

func tapLoopback(t *testing.T) loopbackTap {
	t.Helper()
	const allProtocols = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network byte order
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, allProtocols)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 256<<20),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: allProtocols, Ifindex: lo.Index}))
	if err != nil {
		t.Fatal(err)
	}
	return loopbackTap(fd)
}

// sent returns the packets that were sent, of those that want says.
func (tap loopbackTap) sent(t *testing.T, want func(packet []byte) bool) (packets []string) {
	t.Helper()
	for buf := make([]byte, 1<<20); ; {
		n, from, err := unix.Recvfrom(int(tap), buf, 0)
		if errors.Is(err, unix.EAGAIN) {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		if from.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING && want(buf[:n]) {
			packets = append(packets, string(buf[:n]))
		}
	}
}

// hasPort reports whether a packet without IP options goes from or to a port.
func hasPort(port int) func(packet []byte) bool {
	at := []byte{byte(port >> 8), byte(port)}
	return func(b []byte) bool {
		ports := b[20:]
		if b[0]>>4 == 6 {
			ports = b[40:]
		}
		return bytes.Equal(ports[:2], at) || bytes.Equal(ports[2:4], at)
	}
}

// TestPacketCapture holds the packets of both ends against those that a packet socket sees:
// from the SYN to the last FIN, acknowledgements included.
func TestPacketCapture(t *testing.T) {
	for _, tt := range []struct {
		addr string
		size int
	}{{"127.0.0.1:0", 100}, {"[::1]:0", 100}, {"127.0.0.1:0", 4 << 20}, {"[::1]:0", 4 << 20}} {
		t.Run(tt.addr, func(t *testing.T) {
			c, tap := newCapture(t, 64<<20), tapLoopback(t)
			ln, err := net.Listen("tcp", tt.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			client, server := pair(t, ln)
			go echoAll(server)
			go func() { _, _ = client.Write(make([]byte, tt.size)) }()
			if _, err := io.CopyN(io.Discard, client, int64(tt.size)); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(client.(*net.TCPConn).CloseWrite(), server.Close(), client.Close()); err != nil {
				t.Fatal(err)
			}
			want := tap.sent(t, hasPort(ln.Addr().(*net.TCPAddr).Port))
			if !sinceLinux(6, 18) {
				want = slices.DeleteFunc(want, isSYNACK6)
			}
			got := capturedUntil(t, c, len(want))
			for dir, got := range got {
				samePackets(t, []string{"sent", "received"}[dir], got, want)
			}
			nothingUncaptured(t, c)
		})
	}
}

// isSYNACK6 reports whether a packet is the second one of a connection over IPv6. On Linux 5.10
// and 6.1 it does not pass the hook of the socket that sends it, on 6.18 it does.
func isSYNACK6(packet string) bool {
	const flags, synACK = ipv6Header + 13, 0x12
	return packet[0]>>4 == 6 && packet[flags] == synACK
}

// samePackets compares packets, of which two CPUs may have seen two at a time.
func samePackets(t *testing.T, what string, got, want []string) {
	t.Helper()
	want = slices.Clone(want)
	for _, packet := range got {
		if !slices.Contains(want, packet) {
			want = joined(want, packet)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("%s: got %d packets, want %d, or others than these", what, len(got), len(want))
	}
}

// joined returns packets, with those that a whole one was cut into, if that is so, as this one: the
// kernel cuts a packet in more fragments than a device takes after it has passed the hook of its
// socket (validate_xmit_skb).
func joined(packets []string, whole string) []string {
	ports, next, rest, ok := tcpParts(whole)
	if !ok || rest == "" {
		return packets
	}
	left := slices.Clone(packets)
	for rest != "" {
		i := slices.IndexFunc(left, func(p string) bool {
			its, seq, payload, ok := tcpParts(p)
			return ok && its == ports && seq == next && payload != "" && strings.HasPrefix(rest, payload)
		})
		if i < 0 {
			return packets
		}
		_, _, payload, _ := tcpParts(left[i])
		next, rest, left = next+uint32(len(payload)), rest[len(payload):], slices.Delete(left, i, i+1)
	}
	return append(left, whole)
}

// tcpParts returns the ports, the sequence number and the payload of a TCP segment.
func tcpParts(packet string) (ports string, seq uint32, payload string, ok bool) {
	ip, protocol := 20, packet[9]
	if packet[0]>>4 == 6 {
		ip, protocol = ipv6Header, packet[6]
	}
	if protocol != unix.IPPROTO_TCP || len(packet) < ip+20 {
		return "", 0, "", false
	}
	data := min(ip+int(packet[ip+12]>>4)*4, len(packet))
	return packet[ip : ip+4], binary.BigEndian.Uint32([]byte(packet[ip+4 : ip+8])), packet[data:], true
}

func nothingUncaptured(t *testing.T, c *Collector) {
	t.Helper()
	if lost, err := c.Capture.Losses(); err != nil || len(lost) > 0 {
		t.Errorf("lost %v, %v", lost, err)
	}
}

// TestPacketCaptureUDP has a name server, and another peer, get datagrams.
func TestPacketCaptureUDP(t *testing.T) {
	c, tap := newCapture(t, 1<<20), tapLoopback(t)
	for _, addr := range []string{"127.0.0.1:53", "127.0.0.1:4433", "[::1]:53", "[::1]:4433"} {
		client, err := net.Dial("udp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Write([]byte(addr)); err != nil {
			t.Fatal(err)
		}
		port := client.LocalAddr().(*net.UDPAddr).Port
		samePackets(t, addr, captured(t, c)[Send], tap.sent(t, func(b []byte) bool {
			return b[9] == unix.IPPROTO_UDP && hasPort(port)(b) || b[0]>>4 == 6 && b[6] == unix.IPPROTO_UDP && hasPort(port)(b)
		}))
		_ = client.Close()
	}
}

// TestPacketCaptureAccepts listens before it is a target.
func TestPacketCaptureAccepts(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", ":0"} {
		t.Run(addr, func(t *testing.T) {
			ln, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			c, tap := newCapture(t, 1<<20), tapLoopback(t)
			generation, _ := c.Targets.GenerationOf(os.Getpid())
			if err := c.Sockets.OwnSockets(os.Getpid(), generation, "listener"); err != nil {
				t.Fatal(err)
			}
			port, host := ln.Addr().(*net.TCPAddr).Port, "127.0.0.1"
			if strings.HasPrefix(addr, "[") {
				host = "::1"
			}
			client, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
			if err != nil {
				t.Fatal(err)
			}
			server, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			defer client.Close()
			got := captured(t, c)
			samePackets(t, addr, got[Recv], tap.sent(t, hasPort(port)))
		})
	}
}

// TestPacketCaptureFull has a buffer that is too small. What found no room is counted.
func TestPacketCaptureFull(t *testing.T) {
	c, tap := newCapture(t, 64<<10), tapLoopback(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for range 100 {
		pair(t, ln) // the server has received the last packet of the handshake
	}
	if !c.Capture.Crowded() {
		t.Error("a full buffer is not crowded")
	}
	got := captured(t, c)
	if c.Capture.Crowded() {
		t.Error("an empty buffer is crowded")
	}
	lost, err := c.Capture.Losses()
	if err != nil {
		t.Fatal(err)
	}
	all := tap.sent(t, hasPort(ln.Addr().(*net.TCPAddr).Port))
	if n := lost[os.Getpid()]; n.Packets == 0 || n.Bytes < 40*n.Packets || int(n.Packets)+len(got[0])+len(got[1]) != 2*len(all) || len(lost) != 1 {
		t.Errorf("got %d and %d of %d packets, lost %v", len(got[0]), len(got[1]), len(all), lost)
	}
}

// TestPieces joins the pieces of packets, which are mixed. Of one the first piece is missing,
// of another one a later one.
func TestPieces(t *testing.T) {
	c := &Capture{pieces: make(map[pieceKey][]byte)}
	whole := make([]byte, 3*1000)
	for i := range whole {
		whole[i] = byte(i)
	}
	pieces := []struct{ socket, at uint64 }{
		{1, 0}, {2, 0}, {1, 1000}, {3, 1000}, {2, 2000}, {1, 2000}, {3, 2000},
	}
	got := make(map[uint64][]byte)
	for _, p := range pieces {
		if b := c.join(&Captured{Socket: p.socket, Bytes: whole[p.at : p.at+1000]}, int(p.at), len(whole)); b != nil {
			got[p.socket] = b
		}
	}
	if len(got) != 1 || !bytes.Equal(got[1], whole) || len(c.pieces) != 0 {
		t.Errorf("got %d packets, and kept %d", len(got), len(c.pieces))
	}
	for i := range uint64(10 * maxPieced) {
		c.join(&Captured{Socket: i, Bytes: whole[:1000]}, 0, len(whole))
	}
	if len(c.pieces) > maxPieced {
		t.Errorf("kept %d packets", len(c.pieces))
	}
}

// BenchmarkPacketCapture measures what a copied packet costs beyond what is done without.
//
//	go test ./bpf -run '^$' -bench PacketCapture -benchtime 20000x
func BenchmarkPacketCapture(b *testing.B) {
	for _, size := range []int{100, 128 << 10} {
		b.Run(map[bool]string{true: "small", false: "bulk"}[size == 100], func(b *testing.B) {
			c := newCapture(b, 16<<20)
			ctx, stop := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				for ctx.Err() == nil {
					if p, err := c.Capture.Read(); p == nil && cmp.Or(err, c.Capture.Wait(time.Millisecond)) != nil {
						return
					}
				}
			}()
			defer func() {
				stop()
				<-done
			}()
			records := readBeside(b, c)
			client, server := connected(b)
			go echoAll(server)
			message := make([]byte, size)
			programs := capturing(b, c)
			stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
			if err != nil {
				b.Fatal(err)
			}
			defer stats.Close()
			before, ran := runTime(b, programs)
			for b.Loop() {
				go func() { _, _ = client.Write(message) }()
				if _, err := io.ReadFull(client, message); err != nil {
					b.Fatal(err)
				}
			}
			after, runs := runTime(b, programs)
			records()
			b.ReportMetric(float64(after-before)/float64(runs-ran), "ns/packet")
			b.ReportMetric(float64(runs-ran)/float64(b.N), "packets/op")
			lost, err := c.Capture.Losses()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(lost[os.Getpid()].Packets)/float64(b.N), "lost/op")
		})
	}
}

// capturing returns the program that copies packets.
func capturing(b *testing.B, c *Collector) (list []*ebpf.Program) {
	b.Helper()
	for _, p := range packetPrograms(b, c) {
		info, err := p.Info()
		if err != nil {
			b.Fatal(err)
		}
		if info.Name == captureProgCapture {
			return []*ebpf.Program{p}
		}
	}
	b.Fatal("packets are not copied")
	return nil
}
