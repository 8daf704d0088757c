package trace

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// newTestTable returns a connTable of a process that is given by records alone.
// Events are printed to w.
func newTestTable(t *testing.T, w io.Writer) *connTable {
	t.Helper()
	k := &fakeKernel{}
	events := export.NewJSONL(w, export.Options{})
	losses := &lossBook{events: events}
	recovery := newRecovery(k, message.New(io.Discard, false), func() []string { return nil })
	table := newConnTable(k, events, losses, decoder.Config{}, recovery, func(int) *fetchenv.Source { return nil })
	if err := recovery.await(); err != nil {
		t.Fatal(err)
	}
	return table
}

// give has a connection say something: with TLS, or without.
func give(table *connTable, cleartext bool, d *bpf.Data) {
	if !cleartext {
		table.data(d)
		return
	}
	table.segment(&bpf.Segment{
		Head: d.Head, Dir: d.Dir, Seq: d.Seq, Offset: d.Offset, Payload: d.Payload, Stale: d.Stale,
	})
}

// TestFinishInside ends a connection on which a request is given up for another
// that was answered, while that other is ended: each ends once.
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
	for conn := range uint64(2) { // the one that is older answers
		table.open(&bpf.Open{Head: bpf.Head{Conn: conn + 1, PID: 9, Time: ktime.Time(conn + 1)}, Role: bpf.RoleClient, Cleartext: true, Handshake: true})
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
