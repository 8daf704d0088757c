//go:build linux

package bpf

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

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
	client, server, data := sendAtOnce(t, "127.0.0.1:0")
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
