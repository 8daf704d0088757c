//go:build linux

package bpf

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"h2trace/bpf/plan"
)

// newCollector returns a Collector that observes the test itself: go test builds a Go
// program with crypto/tls like any other.
func newCollector(t *testing.T, opts Options) *Collector {
	t.Helper()
	c := newUnattached(t, opts)
	attachSelf(t, c)
	return c
}

// newUnattached returns a Collector without probes in an executable.
func newUnattached(t testing.TB, opts Options) *Collector {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
	opts.compat = opts.compat || useCompat
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// attachSelf attaches to the test binary.
func attachSelf(t *testing.T, c *Collector) {
	t.Helper()
	exe, err := c.Executables.Attach("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if exe.Skip != "" {
		t.Fatalf("the test binary is skipped: %s", exe.Skip)
	}
}

// stream holds the captured bytes of one direction of a connection.
type stream struct {
	bytes.Buffer
	seq, offset uint64
}

// capture holds all reports of a Collector.
type capture struct {
	opens  map[uint64]Open
	closes map[uint64]Close
	data   map[uint64]*[2]stream
	count  uint64
	// connects are the failed ones.
	connects []ConnectFailed
	dns      []Packet
	// handshakes are the finished ones, by connection.
	handshakes map[uint64]Handshake
	failures   map[uint64][]HandshakeFailed // with Options.Wire
}

func drain(t *testing.T, c *Collector) *capture {
	t.Helper()
	got := &capture{opens: map[uint64]Open{}, closes: map[uint64]Close{}, data: map[uint64]*[2]stream{}, handshakes: map[uint64]Handshake{}, failures: map[uint64][]HandshakeFailed{}}
	got.count = readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Open:
			got.opens[e.Conn] = *e
			got.data[e.Conn] = &[2]stream{}
		case *Close:
			got.closes[e.Conn] = *e
		case *Handshake:
			got.handshakes[e.Conn] = *e
		case *HandshakeFailed:
			got.failures[e.Conns[0]] = append(got.failures[e.Conns[0]], *e)
		case *DNS:
			p := e.Packet
			p.Payload = bytes.Clone(p.Payload)
			got.dns = append(got.dns, p)
		case *ConnectFailed:
			got.connects = append(got.connects, *e)
		case *Segment: // it may repeat
			s := &got.data[e.Conn][e.Dir]
			if e.Offset > s.offset {
				t.Fatalf("conn %d dir %d: got record at %d, want %d", e.Conn, e.Dir, e.Offset, s.offset)
			}
			if known := s.offset - e.Offset; known < uint64(len(e.Payload)) {
				s.offset += uint64(len(e.Payload)) - known
				s.Write(e.Payload[known:])
			}
		case *Data:
			s := &got.data[e.Conn][e.Dir]
			if e.Seq != s.seq || e.Offset < s.offset {
				t.Fatalf("conn %d dir %d: got record %d at %d, want %d at %d or later",
					e.Conn, e.Dir, e.Seq, e.Offset, s.seq, s.offset)
			}
			s.seq++
			s.offset = e.Offset + uint64(len(e.Payload))
			s.Write(e.Payload)
		}
	})
	return got
}

// readAll reads until no event has come for a while, and returns how many there were.
func readAll(t testing.TB, c *Collector, take func(Event)) (n uint64) {
	t.Helper()
	for {
		e, err := c.Read(50 * time.Millisecond)
		if errors.Is(err, ErrNoRecord) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		take(e)
	}
}

// TestCapture runs in the binary that go test builds, which has no symbols; with
// -race it reads at another instruction.
func TestCapture(t *testing.T) {
	t.Run("auto", func(t *testing.T) { testCapture(t, Options{BufferSize: 16 << 20}) })
	t.Run("entry-ret", func(t *testing.T) { testCapture(t, Options{BufferSize: 16 << 20, Mode: plan.EntryRet}) })
}

// certificateOf returns a certificate for example.com.
func certificateOf(t *testing.T) tls.Certificate {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	return srv.TLS.Certificates[0]
}

// listen returns a TLS listener on loopback, and the address to dial.
func listen(t *testing.T) (net.Listener, *tls.Config) {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	cert := srv.TLS.Certificates[0]
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	srv.Close()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln, &tls.Config{RootCAs: roots, ServerName: "example.com"}
}

// observe makes the test itself a target while f runs, and returns what was captured.
func observe(t *testing.T, c *Collector, f func()) *capture {
	t.Helper()
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	f()
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	return drain(t, c)
}

// checkLedger requires that everything seen was delivered.
func checkLedger(t *testing.T, c *Collector, got *capture) {
	t.Helper()
	ledger, err := c.Connections.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if ledger.SeenRecords != got.count || ledger.Lost() != 0 {
		t.Errorf("ledger: %d seen, %d lost, by cause %d; %d delivered", ledger.SeenRecords, ledger.Lost(), ledger.LostRecords, got.count)
	}
}

// checkPlan requires that the cheap place of Read was found, unless the test is of
// the fallback.
func checkPlan(t *testing.T, c *Collector, mode plan.Mode) {
	t.Helper()
	exe, err := c.Executables.Attach("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range exe.Plan.Sites {
		if s.Tap != plan.Read {
			continue
		}
		if cheap := s.Kind == plan.Memmove || s.Kind == plan.Slicecopy; cheap != (mode == plan.Auto) {
			t.Errorf("read probe on %s", s.Kind)
		}
	}
}

func testCapture(t *testing.T, opts Options) {
	c := newCollector(t, opts)
	checkPlan(t, c, opts.Mode)
	ln, config := listen(t)
	sizes := []int{1, 9, 32, 33, 100, 500, 1024, 4096, 5000, 16384, 16385, 100_000, 1 << 20}
	var want bytes.Buffer
	rng := rand.NewChaCha8([32]byte{1})
	done := make(chan error, 1)
	var echoed []byte
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			done <- err
			return
		}
		echoed, err = io.ReadAll(conn)
		done <- errors.Join(err, conn.Close())
	}()
	var raw net.Conn
	got := observe(t, c, func() {
		var err error
		if raw, err = net.Dial("tcp", ln.Addr().String()); err != nil {
			t.Fatal(err)
		}
		conn := tls.Client(raw, config)
		for _, n := range sizes {
			b := make([]byte, n)
			_, _ = rng.Read(b) // never fails
			want.Write(b)
			if _, err := conn.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		conn.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
	if !bytes.Equal(echoed, want.Bytes()) {
		t.Fatal("the peers themselves disagree")
	}
	if len(got.opens) != 2 || len(got.closes) != 2 {
		t.Fatalf("got %d opens, %d closes, want 2 of each", len(got.opens), len(got.closes))
	}
	for id, open := range got.opens {
		dir, local, remote := Send, raw.LocalAddr(), raw.RemoteAddr()
		if open.Role == RoleServer {
			dir, local, remote = Recv, remote, local
		}
		if !bytes.Equal(got.data[id][dir].Bytes(), want.Bytes()) {
			t.Errorf("role %d: captured %d bytes that differ from the %d sent", open.Role, got.data[id][dir].Len(), want.Len())
		}
		if n := got.data[id][1-dir].Len(); n != 0 {
			t.Errorf("role %d: captured %d bytes of the idle direction", open.Role, n)
		}
		if open.Local.String() != local.String() || open.Remote.String() != remote.String() {
			t.Errorf("got %s -> %s, want %s -> %s", open.Local, open.Remote, local, remote)
		}
		if cl := got.closes[id]; cl.Offset[dir] != uint64(want.Len()) || !cl.Socket || cl.Path.RTT == 0 {
			t.Errorf("close: got %+v, want %d bytes and a round-trip time", cl, want.Len())
		}
	}
	checkLedger(t, c, got)
}
