//go:build linux

package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// newTestTable returns a connTable of a process that exists only in records. It prints
// events to w, each of which must be valid.
func newTestTable(t testing.TB, w io.Writer) *connTable {
	t.Helper()
	return newUncheckedTable(t, contract.Checked(t, w))
}

// newUncheckedTable is newTestTable for tests of what many events cost.
func newUncheckedTable(t testing.TB, w io.Writer) *connTable {
	t.Helper()
	k := &fakeKernel{}
	events := export.NewJSONL(w, export.Options{})
	losses := &lossBook{events: events}
	recovery := newRecovery(k, k, message.New(io.Discard, false), func() []string { return nil })
	table := newConnTable(k, events, losses, decoder.Config{}, recovery, func(int) *fetchenv.Source { return nil })
	table.now = monotonic
	if err := recovery.probes.await(); err != nil {
		t.Fatal(err)
	}
	return table
}

// wireOf returns what the packets of a connection carry, with TLS or without.
func wireOf(cleartext bool) bpf.Wire {
	if cleartext {
		return bpf.WireHTTP
	}
	return bpf.WireNone
}

// give feeds a record of a connection, with TLS or without.
func give(table *connTable, cleartext bool, d *bpf.Data) {
	if !cleartext {
		table.data(d)
		return
	}
	table.segment(&bpf.Segment{
		Head: d.Head, Dir: d.Dir, Seq: d.Seq, Offset: d.Offset, Payload: d.Payload, Stale: d.Stale,
	})
}

// TestFinishInside ends a connection with an answered request. That also ends the waiting
// request of another connection, which it repeats. Each connection ends once.
func TestFinishInside(t *testing.T) {
	var out bytes.Buffer
	table := newTestTable(t, &out)
	const head = "GET / HTTP/1.1\r\nHost: goproxy.example\r\n\r\n"
	var next [3][2]position
	say := func(conn uint64, time ktime.Time, dir int, s string) {
		at := &next[conn][dir]
		table.segment(&bpf.Segment{
			Head: bpf.Head{Conn: conn, PID: 9, Time: time},
			Dir:  dir, Seq: at.seq, Offset: at.offset, Payload: []byte(s),
		})
		at.seq++
		at.offset += uint64(len(s))
	}
	end := func(conn uint64, at ktime.Time) {
		if err := table.close(&bpf.Close{Head: bpf.Head{Conn: conn, PID: 9, Time: at}}); err != nil {
			t.Fatal(err)
		}
	}
	for conn := range uint64(2) { // the older one answers
		table.open(&bpf.Open{Head: bpf.Head{Conn: conn + 1, PID: 9, Time: ktime.Time(conn + 1)}, Role: bpf.RoleClient, Wire: bpf.WireHTTP, Handshake: true})
	}
	say(2, 10, bpf.Send, head)
	end(2, 20)
	say(1, 30, bpf.Send, head)
	say(1, 40, bpf.Recv, "HTTP/1.1 200 OK\r\n\r\nuntil the end") // ends with the connection
	end(1, 50)
	if err := table.endAll(); err != nil {
		t.Fatal(err)
	}
	if err := table.events.Flush(); err != nil {
		t.Fatal(err)
	}
	closes := make(map[string]int)
	retries := 0
	for d := json.NewDecoder(&out); ; {
		var e struct {
			Event, Action, Conn string
			Retry               any
		}
		if err := d.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if e.Action == "close" {
			closes[e.Conn]++
		}
		if e.Retry != nil {
			retries++
		}
	}
	if closes["c1"] != 1 || closes["c2"] != 1 || retries != 1 {
		t.Errorf("close events %v, want one of c1 and of c2; %d retries, want 1", closes, retries)
	}
}

// TestCutFrame has a connection end in the middle of a frame. The frame is printed at the
// end, after later frames of the other direction. That holds whether the peer closed the
// connection before those frames, or nobody closed it.
func TestCutFrame(t *testing.T) {
	const (
		preface  = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
		settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		cutPing  = "\x00\x00\x08\x06\x00\x00\x00\x00\x00half"
	)
	for _, closes := range []bool{true, false} {
		var out bytes.Buffer
		table := newTestTable(t, &out)
		head := func(at ktime.Time) bpf.Head { return bpf.Head{Conn: 1, PID: 9, Time: at} }
		table.open(&bpf.Open{Head: head(1), Role: bpf.RoleServer, Handshake: true})
		table.data(&bpf.Data{Head: head(10), Dir: bpf.Recv, Payload: []byte(preface + settings + cutPing)})
		table.data(&bpf.Data{Head: head(40), Dir: bpf.Send, Payload: []byte(settings)})
		if closes {
			c := &bpf.Close{Head: head(20)}
			for dir, n := range []int{len(settings), len(preface + settings + cutPing)} {
				c.Seq[dir], c.Offset[dir] = 1, uint64(n)
			}
			if err := table.close(c); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(table.endAll(), table.events.Flush()); err != nil {
			t.Fatal(err)
		}
		var frames []string
		last := ""
		for d := json.NewDecoder(&out); ; {
			var e struct {
				Event, Type, TS string
				Truncated       bool
			}
			if err := d.Decode(&e); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if e.Event != "frame" {
				continue
			}
			frames = append(frames, fmt.Sprintf("%s %t", e.Type, e.Truncated))
			if e.TS < last {
				t.Errorf("closes %t: %s: time goes back from %s to %s", closes, e.Type, last, e.TS)
			}
			last = e.TS
		}
		if want := []string{"SETTINGS false", "SETTINGS false", "PING true"}; !slices.Equal(frames, want) {
			t.Errorf("closes %t: frames %q, want %q", closes, frames, want)
		}
	}
}
