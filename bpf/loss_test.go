//go:build linux

package bpf

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestLoss floods the smallest buffer while nobody reads it. The missing records must
// be counted, per connection and in total, and the others must be right.
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
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
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
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	var deliveredBytes, gaps uint64
	next := map[[2]uint64]uint64{}
	closes := map[uint64]Close{}
	delivered := readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Close:
			closes[e.Conn] = *e
		case *Data:
			deliveredBytes += uint64(len(e.Payload))
			key := [2]uint64{e.Conn, uint64(e.Dir)}
			if e.Seq < next[key] {
				t.Fatalf("record %d behind record %d", e.Seq, next[key])
			}
			if lost := e.Seq - next[key]; lost > 0 {
				gaps += lost
				if e.Lost&(1<<RingFull) == 0 {
					t.Errorf("a gap of %d records without its reason", lost)
				}
			}
			next[key] = e.Seq + 1
		}
	})
	for id, cl := range closes {
		for dir, seq := range cl.Seq {
			gaps += seq - next[[2]uint64{id, uint64(dir)}]
		}
	}
	ledger, err := c.Connections.Ledger()
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

// TestReadFault sends memory that was never touched and so has no page yet: the
// kernel cannot copy it from inside a probe.
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
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
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
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	type part struct {
		offset uint64
		text   string
		lost   Reasons
	}
	var got []part
	roles := map[uint64]Role{}
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Open:
			roles[e.Conn] = e.Role
		case *Data:
			if roles[e.Conn] == RoleClient {
				got = append(got, part{e.Offset, string(e.Payload), e.Lost})
			}
		}
	})
	want := []part{{0, "before", 0}, {106, "after", 1 << ReadFault}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(part{})); diff != "" {
		t.Errorf("records of the client (-want +got):\n%s", diff)
	}
	ledger, err := c.Connections.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if ledger.LostRecords[ReadFault] != 1 || ledger.LostBytes[ReadFault] != 100 {
		t.Errorf("read faults: got %d records of %d bytes, want 1 of 100", ledger.LostRecords[ReadFault], ledger.LostBytes[ReadFault])
	}
}

// TestHugeWrite passes more at once than loops in the kernel may go through. The
// deadline has passed, so nearly nothing of it is sent.
func TestHugeWrite(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	ln, config := listen(t)
	go func() {
		if conn, err := ln.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	huge, err := unix.Mmap(-1, 0, 1<<37+1<<15, unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(huge); err != nil {
			t.Error(err)
		}
	})
	conn, err := tls.Dial("tcp", ln.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	observe(t, c, func() {
		if _, err := conn.Write(huge); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write behind its deadline: got %v", err)
		}
	})
	conn.Close()
	ledger, err := c.Connections.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ledger.LostBytes[RingFull], uint64(len(huge)); got != want || ledger.SeenBytes != want {
		t.Errorf("%d of %d bytes lost, want all %d", got, ledger.SeenBytes, want)
	}
	if ledger.LostRecords[RingFull] != 1 {
		t.Errorf("%d records lost, want 1", ledger.LostRecords[RingFull])
	}
}
