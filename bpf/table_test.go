//go:build linux

package bpf

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// talk is both ends of a connection in this process: a client that encodes blocks,
// and a server that decodes them.
type talk struct {
	t              *testing.T
	client, server net.Conn
	write, read    *http2.Framer
	buf            bytes.Buffer
	enc            *hpack.Encoder
	dec            *hpack.Decoder
	reference      *hpack.Decoder // decodes with the table of both
	stream         uint32
	turn           int
}

func newTalk(t *testing.T) *talk {
	ln, config := listen(t)
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			err = conn.(*tls.Conn).Handshake()
		}
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}()
	conn, err := tls.Dial("tcp", ln.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	return newTalkOver(t, conn, <-accepted)
}

func newTalkOver(t *testing.T, client, server net.Conn) *talk {
	c := &talk{t: t, client: client, server: server}
	t.Cleanup(func() {
		c.client.Close()
		c.server.Close()
	})
	c.write = http2.NewFramer(c.client, bufio.NewReader(c.client)) // as http2.Transport has it
	c.read = http2.NewFramer(c.server, c.server)
	c.enc = hpack.NewEncoder(&c.buf)
	c.dec = hpack.NewDecoder(4096, func(hpack.HeaderField) {})
	c.reference = hpack.NewDecoder(4096, func(hpack.HeaderField) {})
	return c
}

// exchange sends a block and has it decoded. It returns the tables of both ends
// before it, by the index of their entries.
func (c *talk) exchange(resize uint32) (before []TableEntry) {
	c.t.Helper()
	c.turn++
	return c.send(resize, []hpack.HeaderField{
		{Name: ":method", Value: "GET"},
		{Name: ":path", Value: fmt.Sprintf("/%d", c.turn)},
		{Name: "x-empty", Value: ""},
		{Name: fmt.Sprintf("x-%d", c.turn), Value: string(bytes.Repeat([]byte("v"), 40*c.turn))},
		{Name: "authorization", Value: "secret", Sensitive: true},
	})
}

// send does the same with a block of given fields.
func (c *talk) send(resize uint32, fields []hpack.HeaderField) (before []TableEntry) {
	c.t.Helper()
	before = c.entries()
	if resize > 0 {
		c.enc.SetMaxDynamicTableSize(resize)
	}
	c.buf.Reset()
	for _, f := range fields {
		if err := c.enc.WriteField(f); err != nil {
			c.t.Fatal(err)
		}
	}
	c.stream += 2
	if err := c.write.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream - 1, BlockFragment: c.buf.Bytes(), EndHeaders: true}); err != nil {
		c.t.Fatal(err)
	}
	frame, err := c.read.ReadFrame()
	if err != nil {
		c.t.Fatal(err)
	}
	c.decode(frame.(*http2.HeadersFrame).HeaderBlockFragment())
	return before
}

// decode decodes a block with the decoder of the connection, and with the reference.
func (c *talk) decode(block []byte) {
	c.t.Helper()
	for _, dec := range []*hpack.Decoder{c.dec, c.reference} {
		if _, err := dec.Write(block); err != nil {
			c.t.Fatal(err)
		}
		if err := dec.Close(); err != nil {
			c.t.Fatal(err)
		}
	}
}

// entries reads the reference table, oldest first.
func (c *talk) entries() []TableEntry {
	list := []TableEntry{}
	c.reference.SetEmitFunc(func(f hpack.HeaderField) { list = append(list, TableEntry{f.Name, f.Value}) })
	for index := uint64(62); ; index++ { // RFC 7541 §6.1
		indexed := []byte{0x80 | byte(index)}
		if index >= 127 {
			indexed = binary.AppendUvarint([]byte{0xff}, index-127)
		}
		if _, err := c.reference.Write(indexed); err != nil {
			break
		}
	}
	c.reference.SetEmitFunc(func(hpack.HeaderField) {})
	if err := c.reference.Close(); err != nil {
		c.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// TestTables joins a connection in the middle and compares the copied tables with
// those of both ends, with evictions and changes of the size.
func TestTables(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 16 << 20})
	if err := c.Recovery.Begin([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	talk := newTalk(t)
	for range 20 {
		talk.exchange(0)
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	var want [][]TableEntry
	for _, resize := range []uint32{0, 0, 2000, 0, 300, 4096, 0} {
		want = append(want, talk.exchange(resize))
	}
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	tables, blocks, opens := drainTables(t, c)
	if len(tables[Send]) != len(want) || len(tables[Recv]) != len(want) || len(blocks) != len(want) {
		t.Fatalf("got %d and %d tables, %d blocks, want %d of each", len(tables[Send]), len(tables[Recv]), len(blocks), len(want))
	}
	for i := range want {
		b := &blocks[i]
		if b.ID != tables[Send][i].ID || b.Fields != 5 || b.Stream != uint32(2*(20+i)+1) {
			t.Errorf("block %d: got %+v for table %d", i, b, tables[Send][i].ID)
		}
		if i == 0 && !slices.Contains(b.Behind[:], opens[RoleClient].Ptr) {
			t.Errorf("the first block: its connection is at %#x, got %#x", opens[RoleClient].Ptr, b.Behind)
		}
		for dir, table := range []Table{tables[Send][i], tables[Recv][i]} {
			if !table.Consistent {
				t.Errorf("block %d, direction %d: inconsistent: %+v", i, dir, table)
			}
			// The encoder has applied a new size before its first field.
			expected := want[i]
			if dir == Send {
				expected = within(expected, table.MaxSize)
			}
			if diff := cmp.Diff(expected, table.Entries); diff != "" {
				t.Errorf("block %d, direction %d (-want +got):\n%s", i, dir, diff)
			}
		}
		if r := &tables[Recv][i]; !bytes.Equal(r.Fragment, b.Fragment) || r.FragmentLength != b.FragmentLength || r.Read != r.FragmentLength {
			t.Errorf("block %d: received %d bytes %x, sent %d bytes %x", i, r.FragmentLength, r.Fragment, b.FragmentLength, b.Fragment)
		}
	}
}

// within evicts the entries that exceed a table of a size.
func within(entries []TableEntry, size uint32) []TableEntry {
	total := uint32(0)
	for _, e := range entries {
		total += uint32(len(e.Name)+len(e.Value)) + entryOverhead
	}
	for ; total > size; entries = entries[1:] {
		total -= uint32(len(entries[0].Name)+len(entries[0].Value)) + entryOverhead
	}
	return entries
}

// drainTables reads all events, and requires that the ledger agrees.
func drainTables(t *testing.T, c *Collector) (tables [2][]Table, blocks []Block, opens map[Role]Open) {
	t.Helper()
	opens = map[Role]Open{}
	count := readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Table:
			tables[e.Dir] = append(tables[e.Dir], *e)
		case *Block:
			blocks = append(blocks, *e)
		case *Open:
			opens[e.Role] = *e
		}
	})
	checkLedger(t, c, &capture{count: count})
	return tables, blocks, opens
}

// TestTablesEnd requires that nothing is copied, and no probe is hit, after the
// recovery has ended.
func TestTablesEnd(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	if err := c.Recovery.Begin([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Recovery.End(); err != nil {
		t.Fatal(err)
	}
	talk := newTalk(t)
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		talk.exchange(0)
	}
	tables, blocks, _ := drainTables(t, c)
	hits, err := c.Recovery.Hits()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tables[Send]) + len(tables[Recv]) + len(blocks); n > 0 || hits > 0 {
		t.Errorf("%d records, %d hits after the end", n, hits)
	}
}

// TestTablesNotWanted requires that a connection seen from its start costs no copies,
// except for the first of an encoder whose connection is unknown.
func TestTablesNotWanted(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	if err := c.Recovery.Begin([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	talk := newTalk(t)
	for range 20 {
		talk.exchange(0)
	}
	tables, blocks, _ := drainTables(t, c)
	if len(tables[Recv]) > 0 {
		t.Errorf("%d tables of a connection seen from its start", len(tables[Recv]))
	}
	if len(tables[Send]) > 1 || len(blocks) > 0 {
		t.Errorf("%d tables, %d blocks of an encoder whose connection is known", len(tables[Send]), len(blocks))
	}
}
