package bpf

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"h2trace/bpf/plan"
)

// newCollector returns a Collector that observes the test itself: go test
// builds a Go program with crypto/tls like any other.
func newCollector(t *testing.T, opts Options) *Collector {
	t.Helper()
	if os.Geteuid() != 0 {
		skipOrFail(t, "loading BPF programs needs root")
	}
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	exe, err := c.Attach("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if exe.Skip != "" {
		t.Fatalf("the test binary is skipped: %s", exe.Skip)
	}
	return c
}

// skipOrFail skips where a user lacks the rights, and fails in CI, where the
// tests must run.
func skipOrFail(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// stream is what was captured of one direction of a connection.
type stream struct {
	bytes.Buffer
	seq, offset uint64
}

// capture is what a Collector reported until it had nothing more to report.
type capture struct {
	opens  map[uint64]Open
	closes map[uint64]Close
	data   map[uint64]*[2]stream
	count  uint64
}

func drain(t *testing.T, c *Collector) *capture {
	t.Helper()
	got := &capture{map[uint64]Open{}, map[uint64]Close{}, map[uint64]*[2]stream{}, 0}
	var r Record
	for {
		err := c.Read(&r, 50*time.Millisecond)
		if errors.Is(err, ErrNoRecord) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got.count++
		switch r.Kind {
		case KindOpen:
			got.opens[r.Conn] = r.Open
			got.data[r.Conn] = &[2]stream{}
		case KindClose:
			got.closes[r.Conn] = r.Close
		case KindData:
			s := &got.data[r.Conn][r.Data.Dir]
			if r.Data.Seq != s.seq || r.Data.Offset < s.offset {
				t.Fatalf("conn %d dir %d: got record %d at %d, want %d at %d or later",
					r.Conn, r.Data.Dir, r.Data.Seq, r.Data.Offset, s.seq, s.offset)
			}
			s.seq++
			s.offset = r.Data.Offset + uint64(len(r.Data.Payload))
			s.Write(r.Data.Payload)
		}
	}
}

func TestCapture(t *testing.T) {
	t.Run("auto", func(t *testing.T) { testCapture(t, Options{BufferSize: 16 << 20}) })
	t.Run("entry-ret", func(t *testing.T) { testCapture(t, Options{BufferSize: 16 << 20, Mode: plan.EntryRet}) })
}

// listen returns a TLS listener on loopback, and how to reach it.
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

// observe makes the test itself a target for the time of f, and returns what
// was captured of it.
func observe(t *testing.T, c *Collector, f func()) *capture {
	t.Helper()
	if err := c.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	f()
	if err := c.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	return drain(t, c)
}

// checkLedger requires that all that was seen was delivered.
func checkLedger(t *testing.T, c *Collector, got *capture) {
	t.Helper()
	ledger, err := c.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if ledger.SeenRecords != got.count || ledger.Lost() != 0 {
		t.Errorf("ledger: %d seen, %d lost; %d delivered", ledger.SeenRecords, ledger.Lost(), got.count)
	}
}

func testCapture(t *testing.T, opts Options) {
	c := newCollector(t, opts)
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
		if cl := got.closes[id]; cl.Offset[dir] != uint64(want.Len()) || !cl.Socket || cl.RTTMicros == 0 {
			t.Errorf("close: got %+v, want %d bytes and a round-trip time", cl, want.Len())
		}
	}
	checkLedger(t, c, got)
}

// TestManyConnections opens connections one after the other and side by side:
// Go's allocator gives later ones the addresses of earlier ones.
func TestManyConnections(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 16 << 20})
	ln, config := listen(t)
	const rounds, parallel = 40, 5
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	got := observe(t, c, func() {
		for round := range rounds {
			var wg sync.WaitGroup
			for i := range parallel {
				wg.Go(func() { echo(t, ln.Addr().String(), config, fmt.Sprintf("round %d conn %d", round, i)) })
			}
			wg.Wait()
			runtime.GC()
		}
	})
	clients := map[string]int{}
	for id, open := range got.opens {
		if open.Role != RoleClient {
			continue
		}
		if !open.Handshake {
			t.Errorf("conn %d: opened without its handshake", id)
		}
		sent, received := got.data[id][Send].String(), got.data[id][Recv].String()
		if sent != received {
			t.Errorf("conn %d: sent %q, received %q", id, sent, received)
		}
		clients[sent]++
	}
	for round := range rounds {
		for i := range parallel {
			if text := fmt.Sprintf("round %d conn %d", round, i); clients[text] != 1 {
				t.Errorf("%q: on %d connections, want 1", text, clients[text])
			}
		}
	}
	if len(clients) != rounds*parallel {
		t.Errorf("got %d client connections, want %d", len(clients), rounds*parallel)
	}
	checkLedger(t, c, got)
}

// echo sends text on a new connection and waits for it to come back.
func echo(t *testing.T, addr string, config *tls.Config, text string) {
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	back := make([]byte, len(text))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(conn, back); err != nil || string(back) != text {
		t.Errorf("echo of %q: got %q, %v", text, back, err)
	}
}

// TestWrappedConn hides the TCP connection behind another net.Conn.
func TestWrappedConn(t *testing.T) {
	for _, test := range []struct {
		name  string
		wrap  func(net.Conn) net.Conn
		known bool
	}{
		{"plain", func(c net.Conn) net.Conn { return c }, true},
		{"embedded first", func(c net.Conn) net.Conn { return &counted{c} }, true},
		{"not first", func(c net.Conn) net.Conn { return &labelled{"label", c} }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20})
			ln, config := listen(t)
			go func() {
				if conn, err := ln.Accept(); err == nil {
					_, _ = io.Copy(io.Discard, conn)
					conn.Close()
				}
			}()
			got := observe(t, c, func() {
				raw, err := net.Dial("tcp", ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				conn := tls.Client(test.wrap(raw), config)
				if _, err := io.WriteString(conn, "hello"); err != nil {
					t.Fatal(err)
				}
				conn.Close()
			})
			for id, open := range got.opens {
				if open.Role != RoleClient {
					continue
				}
				if open.Remote.IsValid() != test.known || test.known && open.Remote.String() != ln.Addr().String() {
					t.Errorf("remote: got %s, want known=%t", open.Remote, test.known)
				}
				if text := got.data[id][Send].String(); text != "hello" {
					t.Errorf("sent: got %q", text)
				}
			}
		})
	}
}

type counted struct {
	net.Conn
}

type labelled struct {
	label string
	net.Conn
}

// TestLoss floods the smallest buffer while nobody reads it. What is missing
// must be counted, per connection and in all, and what is there must be right.
func TestLoss(t *testing.T) {
	c := newCollector(t, Options{BufferSize: MinBufferSize})
	ln, config := listen(t)
	done := make(chan int64, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			done <- -1
			return
		}
		n, _ := io.Copy(io.Discard, conn)
		conn.Close()
		done <- n
	}()
	if err := c.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", ln.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	const total = 8 << 20
	chunk := bytes.Repeat([]byte("x"), 10_000)
	for sent := 0; sent < total; sent += len(chunk) {
		if _, err := conn.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	received := <-done
	if err := c.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	var r Record
	var delivered, deliveredBytes, gaps uint64
	next := map[[2]uint64]uint64{}
	closes := map[uint64]Close{}
	for c.Read(&r, 50*time.Millisecond) == nil {
		delivered++
		switch r.Kind {
		case KindClose:
			closes[r.Conn] = r.Close
		case KindData:
			deliveredBytes += uint64(len(r.Data.Payload))
			key := [2]uint64{r.Conn, uint64(r.Data.Dir)}
			if r.Data.Seq < next[key] {
				t.Fatalf("record %d behind record %d", r.Data.Seq, next[key])
			}
			if lost := r.Data.Seq - next[key]; lost > 0 {
				gaps += lost
				if !r.Data.Lost.Has(RingFull) {
					t.Errorf("a gap of %d records without its reason", lost)
				}
			}
			next[key] = r.Data.Seq + 1
		}
	}
	for id, cl := range closes {
		for dir, seq := range cl.Seq {
			gaps += seq - next[[2]uint64{id, uint64(dir)}]
		}
	}
	ledger, err := c.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if len(closes) != 2 {
		t.Fatalf("got %d close records, want 2: they have room of their own", len(closes))
	}
	if ledger.Lost() == 0 || gaps != ledger.Lost() {
		t.Errorf("gaps of %d records, %d counted as lost", gaps, ledger.Lost())
	}
	if ledger.SeenRecords != delivered+ledger.Lost() {
		t.Errorf("%d seen, %d delivered, %d lost", ledger.SeenRecords, delivered, ledger.Lost())
	}
	if want := deliveredBytes + ledger.LostBytes[RingFull]; ledger.SeenBytes != want {
		t.Errorf("%d bytes seen, %d delivered or lost", ledger.SeenBytes, want)
	}
	if want := uint64(2 * received); ledger.SeenBytes != want {
		t.Errorf("%d bytes seen, the peers exchanged %d", ledger.SeenBytes, want)
	}
}

// TestReadFault sends memory that was never touched and so has no page yet,
// which the kernel cannot copy from inside a probe.
func TestReadFault(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	ln, config := listen(t)
	go func() {
		if conn, err := ln.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	untouched, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(untouched); err != nil {
			t.Error(err)
		}
	})
	if err := c.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", ln.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{[]byte("before"), untouched[:100], []byte("after")} {
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	if err := c.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	type part struct {
		offset uint64
		text   string
		lost   Reasons
	}
	var got []part
	var r Record
	roles := map[uint64]Role{}
	for c.Read(&r, 50*time.Millisecond) == nil {
		switch {
		case r.Kind == KindOpen:
			roles[r.Conn] = r.Open.Role
		case r.Kind == KindData && roles[r.Conn] == RoleClient:
			got = append(got, part{r.Data.Offset, string(r.Data.Payload), r.Data.Lost})
		}
	}
	want := []part{{0, "before", 0}, {106, "after", 1 << ReadFault}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(part{})); diff != "" {
		t.Errorf("records of the client (-want +got):\n%s", diff)
	}
	ledger, err := c.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if ledger.LostRecords[ReadFault] != 1 || ledger.LostBytes[ReadFault] != 100 {
		t.Errorf("read faults: got %d records of %d bytes, want 1 of 100", ledger.LostRecords[ReadFault], ledger.LostBytes[ReadFault])
	}
}
