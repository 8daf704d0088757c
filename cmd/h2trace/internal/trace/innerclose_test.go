//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// TestRepeatedInTunnel ends a connection inside of another one before the response. The
// same request on another connection is printed after it.
func TestRepeatedInTunnel(t *testing.T) {
	f := fetch(t, []string{"/a"}, func(*tls.Config) {})
	var out bytes.Buffer
	table := newTestTable(t, &out)
	table.ciphers.wanted = true
	var at ktime.Time = 1000
	say := func(conn uint64, wire bpf.Wire, dir int, offset *[2]uint64, b []byte) {
		at++
		table.segment(&bpf.Segment{Head: bpf.Head{Time: at, PID: 7, Conn: conn}, Wire: wire, Dir: dir, Offset: offset[dir], Payload: b})
		offset[dir] += uint64(len(b))
	}
	for conn, wire := range []bpf.Wire{bpf.WireHTTP, bpf.WireTLS} {
		table.open(&bpf.Open{Head: bpf.Head{Time: at, PID: 7, Conn: uint64(conn + 1)}, Wire: wire, Role: bpf.RoleClient, Handshake: true})
	}
	tell := func() {
		for _, s := range f.secrets {
			s.Secret = bytes.Clone(s.Secret)
			table.secret(&s)
		}
	}
	var outer, direct [2]uint64
	say(1, bpf.WireHTTP, bpf.Send, &outer, []byte("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"))
	say(1, bpf.WireHTTP, bpf.Recv, &outer, []byte("HTTP/1.1 200 OK\r\n\r\n"))
	tell()
	// The tunnel carries all up to the request. What comes then may be a part of the response.
	for _, s := range f.segments {
		say(1, bpf.WireHTTP, s.Dir, &outer, s.Payload)
		if err := table.events.Flush(); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(out.Bytes(), []byte(`"method":"GET"`)) {
			break
		}
	}
	at++
	if err := table.close(&bpf.Close{Head: bpf.Head{Time: at, PID: 7, Conn: 1}, Socket: true, Totals: bpf.Totals{Offset: outer}}); err != nil {
		t.Fatal(err)
	}
	for _, s := range f.segments {
		say(2, bpf.WireTLS, s.Dir, &direct, s.Payload)
	}
	tell()
	if err := table.endAll(); err != nil {
		t.Fatal(err)
	}
	if err := table.events.Close(); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, words := range inWords(t, &out) {
		if strings.HasPrefix(words, "GET") {
			order = append(order, words)
		}
	}
	want := []string{"GET /a: 0 bytes aborted connection ended before the response was complete", "GET /a: 2000 bytes"}
	if !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}
