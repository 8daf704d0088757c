//go:build linux

package bpf

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// wireTables are what is reported of an end of a TLS connection whose bytes come from
// packets.
type wireTables struct {
	local   netip.AddrPort
	id      uint64
	first   [2]uint32 // sequence numbers of the first bytes
	stream  [2][]byte
	tables  [2][]Table // by direction, sent ones in the order of their blocks
	samples []Windows
}

// readEnds reads what is reported of ends since the last call.
func readEnds(t *testing.T, c *Collector, ends ...*wireTables) {
	t.Helper()
	sent := map[uint64]Table{}
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Open:
			for _, end := range ends {
				if e.Local == end.local {
					end.id = e.Conn
				}
			}
		case *Table:
			if e.Dir == Send {
				sent[e.ID] = *e
			}
		}
		for _, end := range ends {
			if end.id != 0 && e.Header().Conn == end.id {
				end.take(e, sent)
			}
		}
	})
}

// take takes an event of the connection. sent are the tables of sent blocks.
func (w *wireTables) take(e Event, sent map[uint64]Table) {
	switch e := e.(type) {
	case *Table:
		if e.Dir == Recv {
			w.tables[Recv] = append(w.tables[Recv], *e)
		}
	case *Block:
		w.tables[Send] = append(w.tables[Send], sent[e.ID])
	case *Windows:
		w.samples = append(w.samples, *e)
	case *Segment:
		if int(e.Offset) == len(w.stream[e.Dir]) { // it may repeat
			w.stream[e.Dir] = append(w.stream[e.Dir], e.Payload...)
			w.first[e.Dir] = e.First
		}
	}
}

// plaintext returns how much plaintext precedes the end of each record of a direction
// after its handshake, which takes so many bytes.
func (w *wireTables) plaintext(dir, handshake int) map[int]int {
	const overhead = 5 + 16 + 1 // of TLS 1.3 with AES-GCM or ChaCha20-Poly1305
	b := w.stream[dir]
	ends, at, total := map[int]int{handshake: 0}, handshake, 0
	for len(b)-at >= 5 {
		n := 5 + int(b[at+3])<<8 + int(b[at+4])
		at += n
		total += n - overhead
		ends[at] = total
	}
	return ends
}

// batch sends several blocks in one write. It returns the tables before each, and how
// long the frames are.
func (c *talk) batch(n int) (before [][]TableEntry, lengths []int) {
	c.t.Helper()
	var out bytes.Buffer
	write := http2.NewFramer(&out, bufio.NewReader(c.client))
	for range n {
		c.turn++
		c.stream += 2
		c.buf.Reset()
		for _, f := range [][2]string{{":method", "GET"}, {":path", fmt.Sprintf("/%d", c.turn)}, {fmt.Sprintf("x-%d", c.turn), "v"}} {
			if err := c.enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
				c.t.Fatal(err)
			}
		}
		from := out.Len()
		if err := write.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream - 1, BlockFragment: c.buf.Bytes(), EndHeaders: true}); err != nil {
			c.t.Fatal(err)
		}
		lengths = append(lengths, out.Len()-from)
	}
	if _, err := c.client.Write(out.Bytes()); err != nil {
		c.t.Fatal(err)
	}
	for range n {
		before = append(before, c.entries())
		frame, err := c.read.ReadFrame()
		if err != nil {
			c.t.Fatal(err)
		}
		c.decode(frame.(*http2.HeadersFrame).HeaderBlockFragment())
	}
	return before, lengths
}

// TestTablesWire has tables copied of a TLS connection whose bytes come from packets: each
// received one names the frame that it belongs to, also in the middle of a record.
func TestTablesWire(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 16 << 20, Wire: true})
	if err := c.PacketsWatched(); err != nil {
		t.Skip(err.Error())
	}
	if err := c.Recovery.Begin([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	for name, reader := range map[string]func(net.Conn) io.Reader{
		"direct":           func(c net.Conn) io.Reader { return c },
		"buffered":         func(c net.Conn) io.Reader { return bufio.NewReader(c) },
		"small buffer":     func(c net.Conn) io.Reader { return bufio.NewReaderSize(c, 16) },
		"wrapped":          func(c net.Conn) io.Reader { return &struct{ net.Conn }{c} },
		"buffered wrapper": func(c net.Conn) io.Reader { return bufio.NewReader(&struct{ net.Conn }{c}) },
	} {
		t.Run(name, func(t *testing.T) { testTablesWire(t, c, reader) })
	}
}

func testTablesWire(t *testing.T, c *Collector, reader func(net.Conn) io.Reader) {
	talk := newTalk(t)
	talk.read = http2.NewFramer(talk.server, reader(talk.server))
	client, server := endOf(talk.client), endOf(talk.server)
	// Nothing is wanted yet, but the first block sent may precede the first packet.
	first, _ := talk.batch(1)
	readEnds(t, c, client, server)
	client.wish(t, c)
	server.wish(t, c)
	handshake := len(server.stream[Recv])
	var tables [][]TableEntry
	var starts []int
	at := 0
	for _, n := range []int{1, 3, 1, 8, 2} {
		before, lengths := talk.batch(n)
		tables = append(tables, before...)
		for _, n := range lengths {
			starts = append(starts, at)
			at += n
		}
	}
	readEnds(t, c, client, server)
	if len(server.tables[Recv]) != len(starts) || len(client.tables[Send]) != 1+len(starts) {
		t.Fatalf("got %d received and %d sent tables, want %d and one more", len(server.tables[Recv]), len(client.tables[Send]), len(starts))
	}
	if diff := cmp.Diff(first[0], client.tables[Send][0].Entries); diff != "" {
		t.Errorf("first block (-want +got):\n%s", diff)
	}
	ends := server.plaintext(Recv, handshake)
	for i, table := range server.tables[Recv] {
		end, ok := ends[int(uint32(table.End)-server.first[Recv])]
		if start := end - int(table.Read); !ok || start != starts[i] {
			t.Errorf("block %d is in the frame at %d, a record ends there: %t; want %d", i, start, ok, starts[i])
		}
		for _, table := range []Table{table, client.tables[Send][1+i]} {
			if diff := cmp.Diff(tables[i], table.Entries); diff != "" || !table.Consistent {
				t.Errorf("block %d, direction %d, consistent %t (-want +got):\n%s", i, table.Dir, table.Consistent, diff)
			}
		}
	}
}

func endOf(conn net.Conn) *wireTables {
	return &wireTables{local: netip.MustParseAddrPort(conn.LocalAddr().String())}
}

// wish asks for tables.
func (w *wireTables) wish(t *testing.T, c *Collector) {
	t.Helper()
	if wireOf(w.id) != WireTLS {
		t.Fatalf("connection %#x is not one of packets", w.id)
	}
	many := [2]uint32{100, 100}
	if _, err := c.Connections.Wish(w.id, Wish{Tables: &many}); err != nil {
		t.Fatal(err)
	}
}
