//go:build linux

package trace

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// helloRecord returns a ClientHello, and its offer.
func helloRecord(t *testing.T) ([]byte, *export.Offer) {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		c := tls.Client(client, &tls.Config{ServerName: "goproxy.example", NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS13})
		_ = c.Handshake() // which the test ends
		_ = client.Close()
	}()
	b := make([]byte, 5)
	if _, err := io.ReadFull(server, b); err != nil {
		t.Fatal(err)
	}
	b = append(b, make([]byte, binary.BigEndian.Uint16(b[3:]))...)
	if _, err := io.ReadFull(server, b[5:]); err != nil {
		t.Fatal(err)
	}
	return b, &export.Offer{ALPN: []string{"h2", "http/1.1"}, Versions: []string{"TLS 1.3"}, SNI: "goproxy.example"}
}

var (
	here  = netip.MustParseAddrPort("192.0.2.1:40000")
	there = netip.MustParseAddrPort("192.0.2.2:443")
)

// TestHelloPackets has the packets of a ClientHello in several orders.
func TestHelloPackets(t *testing.T) {
	hello, want := helloRecord(t)
	n := len(hello)
	type packet struct{ from, to int }
	for _, tt := range []struct {
		name    string
		packets []packet
		late    bool // the connection becomes known after them
		want    *export.Offer
	}{
		{"one", []packet{{0, n}}, false, want},
		{"before the connection is known", []packet{{0, 9}, {9, n}}, true, want},
		{"overtaken", []packet{{100, n}, {0, 1}, {1, 100}}, false, want},
		{"overtaken twice", []packet{{0, 50}, {150, n}, {100, 150}, {50, 100}}, false, want},
		{"sent again", []packet{{0, 50}, {0, 50}, {40, 100}, {0, n}, {0, n}}, false, want},
		{"a part missing", []packet{{0, 50}, {51, n}}, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHellos()
			c := &connInfo{event: export.Conn{Local: here, Remote: there}}
			if !tt.late {
				h.opened(c)
			}
			for _, p := range tt.packets {
				h.packet(1, 1, &bpf.Packet{Local: here, Remote: there, Socket: 7, Seq: uint32(p.from), Payload: hello[p.from:p.to]})
			}
			h.opened(c)
			if diff := cmp.Diff(tt.want, c.event.Offer); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if n := len(h.parts); tt.want != nil && n != 0 {
				t.Errorf("%d are kept", n)
			}
		})
	}
}

// TestHelloStale has a ClientHello in a tunnel whose endpoints are in other processes. It
// does not belong to the next connection with the same addresses.
func TestHelloStale(t *testing.T) {
	_, offer := helloRecord(t)
	h := newHellos()
	outer := &connInfo{event: export.Conn{Local: here, Remote: there}}
	h.opened(outer)
	h.inside(outer, offer)
	h.closed(outer)
	next := &connInfo{event: export.Conn{Local: here, Remote: there}}
	h.opened(next)
	if next.event.Offer != nil {
		t.Errorf("the next connection has offered %+v", next.event.Offer)
	}
}

// TestHelloBound has many ClientHellos that are never complete.
func TestHelloBound(t *testing.T) {
	hello, want := helloRecord(t)
	h := newHellos()
	for socket := range uint64(3 * maxHellos) {
		h.packet(1, 1, &bpf.Packet{Local: here, Remote: there, Socket: socket, Seq: 9, Payload: hello[9:]})
		at := endpoints{here, netip.AddrPortFrom(there.Addr(), uint16(socket))}
		h.hold(at, want)
	}
	if len(h.parts) > maxHellos || len(h.early) > maxHellos {
		t.Errorf("%d and %d are kept, want up to %d", len(h.parts), len(h.early), maxHellos)
	}
}

// TestHelloInside has TLS begin on connections that first look like cleartext.
func TestHelloInside(t *testing.T) {
	hello, want := helloRecord(t)
	const (
		connect = "CONNECT goproxy.example:443 HTTP/1.1\r\nHost: goproxy.example:443\r\n\r\n"
		granted = "HTTP/1.1 200 OK\r\n\r\n"
	)
	type said struct {
		dir  int
		text string
	}
	tunnel := func(more ...said) []said {
		return append([]said{{bpf.Send, connect}, {bpf.Recv, granted}}, more...)
	}
	one, two := said{bpf.Send, string(hello[:100])}, said{bpf.Send, string(hello[100:])}
	answer := said{bpf.Recv, "\x16\x03\x03\x00\x7a"}
	table := newTestTable(t, io.Discard)
	id := uint64(0)
	for _, tt := range []struct {
		name      string
		cleartext bool
		role      bpf.Role
		said      []said
		want      *export.Offer
		done      bool // the kernel is told that the rest is not wanted
	}{
		{"tunnel", true, bpf.RoleClient, tunnel(one, two), want, true},
		{"tunnel, not complete", true, bpf.RoleClient, tunnel(one), nil, false},
		{"tunnel, answered too early", true, bpf.RoleClient, tunnel(one, answer, two), nil, true},
		{"tunnel of something else", true, bpf.RoleClient, tunnel(said{bpf.Send, "SSH-2.0"}, one, two), nil, true},
		{"tunnel of something that the server begins", true, bpf.RoleClient, tunnel(said{bpf.Recv, "220 mail"}), nil, true},
		{"tunnel, its first bytes with the request", true, bpf.RoleClient, []said{{bpf.Send, connect + one.text}, {bpf.Recv, granted}, two}, want, true},
		{"tunnel in TLS", false, bpf.RoleClient, tunnel(one, two, answer), want, false},
		{"no tunnel", true, bpf.RoleServer, []said{{bpf.Recv, one.text}, {bpf.Recv, two.text}, {bpf.Send, "\x16\x03"}}, want, true},
		{"neither", true, bpf.RoleServer, []said{{bpf.Recv, "\x00\x01"}, {bpf.Recv, one.text}}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id++
			here := netip.AddrPortFrom(here.Addr(), uint16(id))
			table.open(&bpf.Open{
				Head: bpf.Head{Conn: id, PID: 9, Time: 1},
				Role: tt.role, Wire: wireOf(tt.cleartext), Handshake: true, Local: here, Remote: there,
			})
			var next [2]position
			for i, s := range tt.said {
				give(table, tt.cleartext, &bpf.Data{
					Head: bpf.Head{Conn: id, PID: 9, Time: ktime.Time(i + 2)},
					Dir:  s.dir, Seq: next[s.dir].seq, Offset: next[s.dir].offset, Payload: []byte(s.text),
				})
				next[s.dir].seq++
				next[s.dir].offset += uint64(len(s.text))
			}
			inner := &connInfo{event: export.Conn{Local: here, Remote: there}}
			table.hellos.opened(inner)
			if diff := cmp.Diff(tt.want, inner.event.Offer); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			outer := table.byID[id]
			if outer.event.Offer != nil {
				t.Errorf("the outer connection has offered %+v", outer.event.Offer)
			}
			if tt.cleartext && outer.want.Nothing != tt.done {
				t.Errorf("the rest is not wanted: %t, want %t", outer.want.Nothing, tt.done)
			}
			do(t, table.send())
		})
	}
}

// TestHelloElsewhere has the packets of a connection whose bytes come from calls. They show
// what the client offers, and then the kernel is told that the rest is not wanted.
func TestHelloElsewhere(t *testing.T) {
	hello, want := helloRecord(t)
	type said struct {
		dir      int
		from, to int // of the ClientHello
	}
	n := len(hello)
	for _, tt := range []struct {
		name      string
		role      bpf.Role
		handshake bool
		late      bool // the calls report the connection after its packets
		said      []said
		want      *export.Offer
		done      bool
	}{
		{"client", bpf.RoleClient, true, false, []said{{bpf.Send, 0, n}}, want, true},
		{"client, known late", bpf.RoleClient, true, true, []said{{bpf.Send, 0, n}}, want, true},
		{"client, in parts", bpf.RoleClient, true, false, []said{{bpf.Send, 0, 100}, {bpf.Send, 100, n}}, want, true},
		{"client, not complete", bpf.RoleClient, true, false, []said{{bpf.Send, 0, 100}}, nil, false},
		{"client, answered too early", bpf.RoleClient, true, false, []said{{bpf.Send, 0, 100}, {bpf.Recv, 0, 9}, {bpf.Send, 100, n}}, nil, true},
		{"server", bpf.RoleServer, true, true, []said{{bpf.Recv, 0, n}}, want, true},
		{"open before", bpf.RoleClient, false, false, []said{{bpf.Send, 0, n}}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table := newTestTable(t, io.Discard)
			table.ciphers.byCalls = func(int) bool { return true }
			const packets, calls = 1<<62 | 5, 5
			open := func(conn uint64, wire bpf.Wire) {
				table.open(&bpf.Open{
					Head: bpf.Head{Conn: conn, PID: 9, Time: 1},
					Role: tt.role, Wire: wire, Handshake: tt.handshake, Local: here, Remote: there,
				})
			}
			open(packets, bpf.WireTLS)
			if !tt.late {
				open(calls, bpf.WireNone)
			}
			var next [2]uint64
			for _, s := range tt.said {
				table.segment(&bpf.Segment{
					Head: bpf.Head{Conn: packets, PID: 9, Time: 2}, Wire: bpf.WireTLS,
					Dir: s.dir, Offset: next[s.dir], Payload: hello[s.from:s.to],
				})
				next[s.dir] += uint64(s.to - s.from)
			}
			if tt.late {
				open(calls, bpf.WireNone)
			}
			if diff := cmp.Diff(tt.want, table.byID[calls].event.Offer); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := table.byID[packets].want.Nothing; got != tt.done {
				t.Errorf("the rest is not wanted: %t, want %t", got, tt.done)
			}
			do(t, table.endAll())
		})
	}
}
