//go:build linux

package trace

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

const earlyRequest = "GET / HTTP/1.1\r\nHost: goproxy.example\r\n\r\n"

// TestEarlyWrite passes a request to a Write that performs the handshake first. The request
// is sent after the handshake, and not at all if the handshake fails.
func TestEarlyWrite(t *testing.T) {
	const written, over, answered = 10e6, 50e6, 70e6
	for _, test := range []struct {
		name      string
		handshake *bpf.Handshake // nil: its record was lost
		wait      any            // wait_ms, nil without an exchange
		tls       any            // tls_ms
	}{
		{"handshake", &bpf.Handshake{Start: written, Version: 0x0304, Cipher: 0x1301}, 20.0, 40.0},
		{"lost", nil, 60.0, nil},
		{"failed", &bpf.Handshake{Start: written, Error: &bpf.HandshakeError{}}, nil, nil},
		{"failed before", &bpf.Handshake{Start: written, Error: &bpf.HandshakeError{}}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			table := newTestTable(t, &out)
			table.open(&bpf.Open{Head: bpf.Head{Conn: 1, Time: written}, Role: bpf.RoleClient, Handshake: true})
			data := func(at ktime.Time, dir int, s string) {
				table.data(&bpf.Data{Head: bpf.Head{Conn: 1, Time: at}, Dir: dir, Payload: []byte(s)})
			}
			failed := test.wait == nil
			if test.name != "failed before" {
				data(written, bpf.Send, earlyRequest)
			}
			if test.handshake != nil {
				h := *test.handshake
				h.Head = bpf.Head{Conn: 1, Time: over}
				table.handshake(&h)
			}
			if test.name == "failed before" { // another thread was slow to report its Write
				data(over, bpf.Send, earlyRequest)
			}
			if !failed {
				data(answered, bpf.Recv, "HTTP/1.1 204 No Content\r\n\r\n")
			}
			sent := bpf.Totals{Seq: [2]uint64{1, 0}, Offset: [2]uint64{uint64(len(earlyRequest)), 0}}
			conn := table.byID[1]
			if failed {
				conn.end = &unreportedEnd{over, &bpf.ConnState{ID: 1, Totals: sent}}
			}
			conn.finish()
			if err := table.send(); err != nil {
				t.Fatal(err)
			}
			if err := table.events.Flush(); err != nil {
				t.Fatal(err)
			}
			exchanges := 0
			for line := range strings.Lines(out.String()) {
				var e map[string]any
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Fatal(err)
				}
				switch e["event"] {
				case "exchange":
					exchanges++
					if e["wait_ms"] != test.wait || e["tls_ms"] != test.tls {
						t.Errorf("got %s, want wait_ms %v, tls_ms %v", line, test.wait, test.tls)
					}
				case "conn":
					if e["action"] == "open" && e["tls_ms"] != test.tls && test.wait != nil {
						t.Errorf("got %s, want tls_ms %v", line, test.tls)
					}
				case "loss":
					t.Errorf("got %s", line)
				}
			}
			if (exchanges == 1) != (test.wait != nil) {
				t.Errorf("got %d exchanges:\n%s", exchanges, out.String())
			}
		})
	}
}

// TestEarlyWritesBounded sends without end, and no record reports the handshake.
func TestEarlyWritesBounded(t *testing.T) {
	table := newTestTable(t, &bytes.Buffer{})
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1}, Role: bpf.RoleClient, Handshake: true})
	conn := table.byID[1]
	for i := range uint64(2 * maxEarlyBytes / 1024) {
		table.data(&bpf.Data{
			Head: bpf.Head{Conn: 1, Time: ktime.Time(time.Second)},
			Dir:  bpf.Send, Seq: i, Offset: 1024 * i, Payload: make([]byte, 1024),
		})
	}
	if n := len(conn.early.records); n != 0 || conn.next[bpf.Send].offset != 2*maxEarlyBytes {
		t.Errorf("%d records are held, %d bytes decoded; want none, %d", n, conn.next[bpf.Send].offset, 2*maxEarlyBytes)
	}
}
