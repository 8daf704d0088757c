//go:build linux

package bpf

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
)

// fieldList is one list, assembled from its records.
type fieldList struct {
	List
	conn   uint64
	fields []hpack.HeaderField
}

// TestVerify compares the reported fields with those that were encoded and decoded,
// of every size of record and of several.
func TestVerify(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 16 << 20, Verify: true})
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	talk := newTalk(t)
	var want [][]hpack.HeaderField
	for _, turn := range []int{1, 2, 5, 10, 30, 110, 250} {
		talk.turn = turn - 1
		talk.exchange(0)
		want = append(want, []hpack.HeaderField{
			{Name: ":method", Value: "GET"},
			{Name: ":path", Value: fmt.Sprintf("/%d", turn)},
			{Name: "x-empty", Value: ""},
			{Name: fmt.Sprintf("x-%d", turn), Value: string(bytes.Repeat([]byte("v"), 40*turn))},
			{Name: "authorization", Value: "secret", Sensitive: true},
		})
	}
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	lists, roles := drainLists(t, c)
	// Received blocks are decoded twice: with the table of the connection, and with
	// that of the test.
	if len(lists[Send]) != len(want) || len(lists[Recv]) != 2*len(want) {
		t.Fatalf("got %d and %d lists, want %d and %d", len(lists[Send]), len(lists[Recv]), len(want), 2*len(want))
	}
	for i, fields := range want {
		sent := lists[Send][i]
		if sent.Stream != uint32(2*i+1) || int(sent.Fields) != len(fields) || roles[sent.conn] != RoleClient {
			t.Errorf("list %d: got %+v of connection %d, want %d fields of stream %d of the client's", i, sent.List, sent.conn, len(fields), 2*i+1)
		}
		if diff := cmp.Diff(fields, sent.fields); diff != "" {
			t.Errorf("encoded list %d (-want +got):\n%s", i, diff)
		}
		for _, l := range lists[Recv][2*i : 2*i+2] {
			if diff := cmp.Diff(fields, l.fields); diff != "" {
				t.Errorf("decoded list %d (-want +got):\n%s", i, diff)
			}
			if !bytes.Equal(l.Fragment, sent.Fragment) || l.FragmentLength != sent.FragmentLength || roles[l.conn] != RoleServer {
				t.Errorf("list %d: received %d bytes on connection %d, sent %d", i, l.FragmentLength, l.conn, sent.FragmentLength)
			}
			if i > 0 && l.End < lists[Recv][2*i-1].End {
				t.Errorf("list %d ends at %d, behind %d", i, l.End, lists[Recv][2*i-1].End)
			}
		}
	}
}

// drainLists reads all events, and requires that the ledger agrees.
func drainLists(t *testing.T, c *Collector) (lists [2][]*fieldList, roles map[uint64]Role) {
	t.Helper()
	fields := make(map[uint64][]hpack.HeaderField)
	roles = make(map[uint64]Role)
	var text bytes.Buffer
	count := readAll(t, c, func(e Event) {
		switch f := e.(type) {
		case *Open:
			roles[f.Conn] = f.Role
		case *List:
			if f.FragmentLength == 1 {
				break // talk examines an entry of a table
			}
			lists[f.Dir] = append(lists[f.Dir], &fieldList{List: *f, conn: f.Conn})
		case *Field:
			if int(f.Index) != len(fields[f.List]) || int(f.At) != text.Len() {
				t.Fatalf("field %d at %d, want %d at %d", f.Index, f.At, len(fields[f.List]), text.Len())
			}
			if !f.Whole {
				text.Write(f.Text)
				if text.Len() < int(f.NameLen+f.ValueLen) {
					break
				}
				f.Name, f.Value = text.String()[:f.NameLen], text.String()[f.NameLen:]
				text.Reset()
			}
			fields[f.List] = append(fields[f.List], hpack.HeaderField{Name: f.Name, Value: f.Value, Sensitive: f.Sensitive})
		}
	})
	for _, list := range lists {
		for _, l := range list {
			l.fields = fields[l.ID]
		}
	}
	checkLedger(t, c, &capture{count: count})
	return lists, roles
}
