//go:build linux

package bpf

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// newWire returns a Collector that copies TLS from packets.
func newWire(t *testing.T, size int) *Collector {
	t.Helper()
	c := newUnattached(t, Options{BufferSize: size, Wire: true})
	if err := c.PacketsWatched(); err != nil {
		t.Skip(err.Error())
	}
	return c
}

// wireFlow is what was reported of a connection.
type wireFlow struct {
	open   Open
	close  *Close
	bytes  [2][]byte // by direction and offset
	known  [2]uint64 // of them
	lost   [2]uint64 // by the last segment
	copied [2]uint64 // bytes of all segments
}

// readWire reads what was reported of the connections of the test, by their local
// address.
func readWire(t *testing.T, c *Collector) map[netip.AddrPort]*wireFlow {
	t.Helper()
	byID, known := map[uint64]*wireFlow{}, map[uint64]*[2][]bool{}
	readAll(t, c, func(e Event) {
		f := byID[e.Header().Conn]
		switch e := e.(type) {
		case *Open:
			byID[e.Conn], known[e.Conn] = &wireFlow{open: *e}, new([2][]bool)
		case *Close:
			own := *e
			f.close = &own
		case *Segment:
			if f == nil || e.Wire != f.open.Wire {
				t.Fatalf("got %+v of %+v", e, f)
			}
			k := &known[e.Conn][e.Dir]
			end := int(e.Offset) + len(e.Payload)
			if n := end - len(*k); n > 0 {
				*k = append(*k, make([]bool, n)...)
				f.bytes[e.Dir] = append(f.bytes[e.Dir], make([]byte, n)...)
			}
			copy(f.bytes[e.Dir][e.Offset:], e.Payload)
			for i := int(e.Offset); i < end; i++ {
				if !(*k)[i] {
					f.known[e.Dir]++
				}
				(*k)[i] = true
			}
			f.lost[e.Dir] = e.LostBytes
			f.copied[e.Dir] += uint64(len(e.Payload))
		}
	})
	byLocal := map[netip.AddrPort]*wireFlow{}
	for _, f := range byID {
		byLocal[f.open.Local] = f
	}
	return byLocal
}

// tee keeps the bytes that one end sends.
type tee struct {
	net.Conn
	sent bytes.Buffer
}

func (c *tee) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.sent.Write(b[:n])
	return n, err
}

// TestWire requires that the segments of TLS connections hold what the ends have sent,
// over each kind of header before it.
func TestWire(t *testing.T) {
	padding := make([]byte, 8) // PadN (RFC 8200 §4.2)
	padding[2], padding[3] = 1, 4
	for _, tt := range []struct {
		name, addr    string
		level, option int
		value         string
		size          int
	}{
		{name: "IPv4", addr: "127.0.0.1:0", size: 10_000},
		{name: "IPv6", addr: "[::1]:0", size: 10_000},
		{name: "IPv4 in IPv6", addr: "[::ffff:127.0.0.1]:0", size: 1000},
		{name: "bulk", addr: "127.0.0.1:0", size: 6 << 20},
		{name: "bulk over IPv6", addr: "[::1]:0", size: 6 << 20},
		{"IPv4 options", "127.0.0.1:0", unix.IPPROTO_IP, unix.IP_OPTIONS, "\x01\x01\x01\x01\x01\x01\x01\x01", 300_000},
		{"hop-by-hop options", "[::1]:0", unix.IPPROTO_IPV6, unix.IPV6_HOPOPTS, string(padding), 300_000},
		{"destination options", "[::1]:0", unix.IPPROTO_IPV6, unix.IPV6_DSTOPTS, string(padding), 300_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newWire(t, 64<<20)
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			ln, err := net.Listen("tcp", tt.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
				var err error
				return errors.Join(raw.Control(func(fd uintptr) {
					if tt.option != 0 {
						err = os.NewSyscallError("setsockopt", unix.SetsockoptString(int(fd), tt.level, tt.option, tt.value))
					}
				}), err)
			}}
			client, err := dialer.DialContext(context.Background(), "tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			server, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			ends := [2]*tee{{Conn: client}, {Conn: server}}
			converseTLS(t, ends, tt.size)
			checkWire(t, c, ends)
		})
	}
}

// converseTLS has both ends send so many bytes inside TLS, one after the other, and
// closes the connection.
func converseTLS(t *testing.T, ends [2]*tee, size int) {
	t.Helper()
	client := tls.Client(ends[0], &tls.Config{InsecureSkipVerify: true})
	server := tls.Server(ends[1], &tls.Config{Certificates: []tls.Certificate{certificateOf(t)}})
	data, done := make([]byte, size), make(chan error, 1)
	go func() {
		_, err := io.ReadFull(server, make([]byte, size))
		if err == nil {
			_, err = server.Write(data)
		}
		done <- errors.Join(err, server.CloseWrite())
	}()
	if _, err := client.Write(data); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(client); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-done, client.Close(), server.Close()); err != nil {
		t.Fatal(err)
	}
}

// checkWire compares the flows of both ends of a connection with what they sent.
func checkWire(t *testing.T, c *Collector, ends [2]*tee) {
	t.Helper()
	flows := readWire(t, c)
	if len(flows) != len(ends) {
		t.Fatalf("got %d connections", len(flows))
	}
	for i, end := range ends {
		f := flows[endpointOf(t, end.LocalAddr())]
		if f == nil || f.open.Wire != WireTLS || !f.open.Handshake || f.open.Role != []Role{RoleClient, RoleServer}[i] || f.close == nil {
			t.Fatalf("end %d: got %+v", i, f)
		}
		for dir, sent := range map[int]*bytes.Buffer{Send: &end.sent, Recv: &ends[1-i].sent} {
			if !bytes.Equal(f.bytes[dir], sent.Bytes()) || f.known[dir] != uint64(sent.Len()) || f.close.Offset[dir] != uint64(sent.Len()) {
				t.Errorf("end %d, direction %d: got %d of %d bytes, %d at the close, want %d",
					i, dir, f.known[dir], len(f.bytes[dir]), f.close.Offset[dir], sent.Len())
			}
		}
		if !f.close.Socket || f.close.Path.RTT == 0 {
			t.Errorf("end %d: closed by %+v", i, f.close)
		}
	}
	ledger, err := c.Connections.Ledger()
	if err != nil || ledger.Lost() != 0 {
		t.Errorf("lost %d records, %v", ledger.Lost(), err)
	}
}

// sendAtOnce has a client send 4 MB in one call, which TCP cuts into segments as large as
// the device takes, and closes the connection.
func sendAtOnce(t *testing.T, addr string) (client, server net.Conn, data []byte) {
	t.Helper()
	client, server = connectedTo(t, addr)
	data = randomBytes(rand.New(rand.NewPCG(1, 2)), 4<<20)
	copy(data, "\x17\x03\x03\x40\x00")
	done := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(server, make([]byte, len(data)))
		done <- errors.Join(err, server.Close())
	}()
	if _, err := client.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-done, client.Close()); err != nil {
		t.Fatal(err)
	}
	return client, server, data
}

// TestWireLarge sends segments of 64 KiB, or more where the device takes IPv6 jumbograms
// (RFC 2675).
func TestWireLarge(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			c := newWire(t, 32<<20)
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			client, server, data := sendAtOnce(t, addr)
			flows := readWire(t, c)
			for end, dir := range map[net.Conn]int{client: Send, server: Recv} {
				f := flows[endpointOf(t, end.LocalAddr())]
				if f == nil || !bytes.Equal(f.bytes[dir], data) || f.known[dir] != uint64(len(data)) {
					t.Errorf("direction %d: %d bytes are not those that were sent", dir, len(data))
				}
			}
		})
	}
}
