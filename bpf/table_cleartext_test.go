//go:build linux

package bpf

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTablesPlain joins a connection without TLS in the middle: each table names its
// socket, and the offset of its frame in the stream.
func TestTablesPlain(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 16 << 20})
	if err := c.PacketsWatched(); err != nil {
		t.Skip(err.Error())
	}
	if err := c.Recovery.Begin([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	talk := newTalkOver(pairOf(t, ln))
	for range 20 {
		talk.exchange(0)
	}
	if err := errors.Join(c.Targets.AddTarget(os.Getpid()), c.Sockets.OwnSockets(os.Getpid(), 0, "test")); err != nil {
		t.Fatal(err)
	}
	var want [][]TableEntry
	for _, resize := range []uint32{0, 0, 2000, 0, 300, 4096, 0} {
		want = append(want, talk.exchange(resize))
	}
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	got := drainCleartextTables(t, c)
	client, server := got.at(t, talk.client), got.at(t, talk.server)
	if len(server.tables) != len(want) || len(client.tables) != len(want)-1 { // the first is written before there is a packet
		t.Fatalf("got %d and %d tables, want %d and %d", len(client.tables), len(server.tables), len(want)-1, len(want))
	}
	frames := server.received.Bytes()
	at := 0
	for i := range want {
		table := &server.tables[i]
		if place := uint32(table.End) - server.first; place != uint32(at) || table.Read != 0 {
			t.Errorf("block %d is in the frame at %d, want %d; read %d", i, place, at, table.Read)
		}
		if diff := cmp.Diff(want[i], table.Entries); diff != "" || !table.Consistent {
			t.Errorf("block %d, received, consistent %t (-want +got):\n%s", i, table.Consistent, diff)
		}
		if i > 0 {
			table := &client.tables[i-1]
			if diff := cmp.Diff(within(want[i], table.MaxSize), table.Entries); diff != "" || !table.Consistent {
				t.Errorf("block %d, sent, consistent %t (-want +got):\n%s", i, table.Consistent, diff)
			}
		}
		at += 9 + int(frames[at])<<16 + int(frames[at+1])<<8 + int(frames[at+2])
	}
	if at != len(frames) {
		t.Errorf("the frames end at %d of %d", at, len(frames))
	}
}

func pairOf(t *testing.T, ln net.Listener) (_ *testing.T, client, server net.Conn) {
	client, server = pair(t, ln)
	return t, client, server
}

// cleartextTables holds the reports of connections without TLS, by their id.
type cleartextTables map[uint64]*cleartextEnd

type cleartextEnd struct {
	local    string
	tables   []Table // tables of received blocks, or of sent ones in the order of the blocks
	received bytes.Buffer
	first    uint32
}

// at returns the connection of an end of this process.
func (p cleartextTables) at(t *testing.T, conn net.Conn) *cleartextEnd {
	t.Helper()
	for _, end := range p {
		if end.local == conn.LocalAddr().String() {
			return end
		}
	}
	t.Fatalf("no connection at %s", conn.LocalAddr())
	return nil
}

func drainCleartextTables(t *testing.T, c *Collector) cleartextTables {
	t.Helper()
	got, sent := cleartextTables{}, map[uint64]Table{}
	count := readAll(t, c, func(e Event) {
		end := got[e.Header().Conn] // nil for a block that was written before there was a packet
		switch e := e.(type) {
		case *Open:
			got[e.Conn] = &cleartextEnd{local: e.Local.String()}
		case *Table:
			if e.Dir == Send {
				sent[e.ID] = *e
			} else if end != nil {
				end.tables = append(end.tables, *e)
			}
		case *Block:
			if end != nil {
				end.tables = append(end.tables, sent[e.ID])
			}
		case *Segment:
			if end == nil || e.Dir != Recv {
				break
			}
			if int(e.Offset) == end.received.Len() { // it may repeat
				end.received.Write(e.Payload)
			}
			end.first = e.First
		}
	})
	checkLedger(t, c, &capture{count: count})
	return got
}
