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
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// newWire returns a Collector that copies TLS from packets.
func newWire(t *testing.T, size int) *Collector {
	t.Helper()
	c := newUnattached(t, Options{BufferSize: size, Wire: true})
	if err := c.PacketsWatched(); err != nil {
		skipOrFail(t, err.Error())
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
		{name: "bulk", addr: "127.0.0.1:0", size: 8 << 20},
		{name: "bulk over IPv6", addr: "[::1]:0", size: 8 << 20},
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

// A record header of TLS (RFC 8446 §5.1) with 100 bytes behind it.
var tlsRecord = "\x17\x03\x03\x00\x64" + string(make([]byte, 100))

// TestWireNothing ends the copying of a connection: its bytes still count.
func TestWireNothing(t *testing.T) {
	c := newWire(t, 1<<20)
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	client, server := connectedTo(t, "127.0.0.1:0")
	say(t, client, server, tlsRecord)
	first := readWire(t, c)[endpointOf(t, client.LocalAddr())]
	if first == nil || first.known[Send] != uint64(len(tlsRecord)) {
		t.Fatalf("got %+v", first)
	}
	if _, err := c.Connections.Wish(first.open.Conn, Wish{Payload: &PayloadWish{Nothing: true}}); err != nil {
		t.Fatal(err)
	}
	say(t, client, server, tlsRecord)
	// The wish is forgotten, and still holds.
	if err := c.Connections.Forget(Entry{ID: first.open.Conn}); err != nil {
		t.Fatal(err)
	}
	say(t, client, server, tlsRecord)
	say(t, server, client, tlsRecord)
	client.Close()
	server.Close()
	want := [2]uint64{Send: 3 * uint64(len(tlsRecord)), Recv: uint64(len(tlsRecord))}
	closed := 0
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Segment:
			if e.Conn == first.open.Conn {
				t.Errorf("got %d bytes at %d, want none", len(e.Payload), e.Offset)
			}
		case *Close:
			if e.Conn == first.open.Conn && e.Offset == want {
				closed++
			}
		}
	})
	if closed != 1 {
		t.Errorf("%d close records with %d bytes, want 1", closed, want)
	}
}

// connectedTo returns both ends of a connection over loopback.
func connectedTo(t *testing.T, addr string) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return pair(t, ln)
}

// TestWireJoined owns connections that are open already: one carries TLS, and shows it
// by a packet that begins with a record.
func TestWireJoined(t *testing.T) {
	tlsClient, tlsServer := connectedTo(t, "127.0.0.1:0")
	client, server := connectedTo(t, "127.0.0.1:0")
	say(t, tlsClient, tlsServer, "\x16\x03\x01\x00\x64 from before")
	c := newWire(t, 1<<20)
	if err := errors.Join(c.Targets.AddTarget(os.Getpid()), c.Sockets.OwnSockets(os.Getpid(), 0, "test")); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"the rest of a record", // shows nothing
		"\x17\x03\x03\x00",     // nor does a part of a header
		"\x17\x03\x03\x48\x01", // nor a length that no record has
		"\x17\x03\x05\x00\x64", // nor a version that there is not
	} {
		say(t, tlsClient, tlsServer, text)
	}
	say(t, tlsClient, tlsServer, tlsRecord)
	say(t, tlsServer, tlsClient, "in the midst of it")
	say(t, client, server, "GET / HTTP/1.1\r\n")
	tlsClient.Close()
	flows := readWire(t, c)
	f := flows[endpointOf(t, tlsClient.LocalAddr())]
	if f == nil || f.open.Wire != WireTLS || f.open.Handshake || string(f.bytes[Send]) != tlsRecord || string(f.bytes[Recv]) != "in the midst of it" {
		t.Errorf("got %+v, want what came from the record on", f)
	}
	if f != nil && (f.close == nil || f.close.Offset != [2]uint64{Send: uint64(len(tlsRecord)), Recv: 18}) {
		t.Errorf("closed by %+v", f.close)
	}
	if f := flows[endpointOf(t, client.LocalAddr())]; f == nil || f.open.Wire != WireHTTP {
		t.Errorf("got %+v, want HTTP", f)
	}
}

// TestWireReset ends a connection by RST.
func TestWireReset(t *testing.T) {
	c := newWire(t, 1<<20)
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	client, server := connectedTo(t, "127.0.0.1:0")
	say(t, client, server, tlsRecord)
	if err := errors.Join(client.(*net.TCPConn).SetLinger(0), client.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Fatal(err)
	}
	flows := readWire(t, c)
	for _, end := range []net.Conn{client, server} {
		f := flows[endpointOf(t, end.LocalAddr())]
		if f == nil || f.close == nil || f.close.Offset[Send]+f.close.Offset[Recv] != uint64(len(tlsRecord)) {
			t.Errorf("got %+v, want a close", f)
		} else if reset := f.close.Path.Err() == unix.ECONNRESET; reset != (end == server) {
			t.Errorf("%s: closed by %+v", end.LocalAddr(), f.close)
		}
	}
}

// TestWireLost floods the smallest buffer while nobody reads it. What is missing is
// counted for each direction, and where it is missing.
func TestWireLost(t *testing.T) {
	c := newWire(t, MinBufferSize)
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	client, server := connectedTo(t, "127.0.0.1:0")
	data := randomBytes(rand.New(rand.NewPCG(1, 2)), 4<<20)
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
	var copied, lost, records uint64
	flows := readWire(t, c)
	for end, dir := range map[net.Conn]int{client: Send, server: Recv} {
		f := flows[endpointOf(t, end.LocalAddr())]
		if f == nil || f.close == nil {
			t.Fatalf("got %+v, want a close: it has room of its own", f)
		}
		// What is missing was lost, and what TCP sent again may be lost again.
		missing := uint64(len(data)) - f.known[dir]
		if f.close.Offset[dir] != uint64(len(data)) || f.close.LostBytes[dir] < missing || missing == 0 {
			t.Errorf("direction %d: %d bytes are missing, %d lost, %d in all, want %d", dir, missing, f.close.LostBytes[dir], f.close.Offset[dir], len(data))
		}
		copied += f.copied[dir]
		lost += f.close.LostBytes[dir]
		records += uint64(f.close.LostRecords[dir])
	}
	ledger, err := c.Connections.Ledger()
	if err != nil || ledger.Lost() != records || ledger.LostRecords[RingFull] != records {
		t.Errorf("the ledger has %d lost records, %v; the connections have %d", ledger.LostRecords, err, records)
	}
	if ledger.LostBytes[RingFull] != lost || ledger.SeenBytes != copied+lost {
		t.Errorf("the ledger has %d bytes, %d lost; the connections have %d, %d lost", ledger.SeenBytes, ledger.LostBytes[RingFull], copied+lost, lost)
	}
}

// TestWirePassed has another process, which is no target, send on a connection. Its
// bytes are reported as those of the process that connected.
func TestWirePassed(t *testing.T) {
	c := newWire(t, 1<<20)
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	client, server := connectedTo(t, "127.0.0.1:0")
	say(t, client, server, tlsRecord)
	file, err := client.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("sh", "-c", "printf other >&3")
	cmd.ExtraFiles = []*os.File{file}
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(server, make([]byte, len("other"))); err != nil {
		t.Fatal(err)
	}
	f := readWire(t, c)[endpointOf(t, client.LocalAddr())]
	if f == nil || string(f.bytes[Send]) != tlsRecord+"other" || f.open.PID != os.Getpid() {
		t.Errorf("got %+v, want the bytes of both", f)
	}
}
