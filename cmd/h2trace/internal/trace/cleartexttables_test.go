//go:build linux

package trace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/recover"
	"h2trace/decoder/ktime"
)

// conversation is one direction of a connection joined in the middle: the frames of a
// server, their offsets, and the header table before the last frame.
type conversation struct {
	bytes  []byte
	starts []int
	table  []bpf.TableEntry
	block  []byte // of the last frame
}

func newConversation(t *testing.T) *conversation {
	t.Helper()
	c := &conversation{}
	var out, block bytes.Buffer
	framer, enc := http2.NewFramer(&out, nil), hpack.NewEncoder(&block)
	response := func(id uint32) {
		block.Reset()
		for _, f := range [][2]string{{":status", "200"}, {"server", "goproxy"}, {"age", "7"}} {
			if err := enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
				t.Fatal(err)
			}
		}
		c.starts = append(c.starts, out.Len())
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndHeaders: true, BlockFragment: block.Bytes()}); err != nil {
			t.Fatal(err)
		}
		c.starts = append(c.starts, out.Len())
		if err := framer.WriteData(id, true, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	response(1) // adds the entries, before the attach
	out.Reset()
	c.starts = nil
	response(3)
	response(5)
	c.bytes, c.block = out.Bytes(), bytes.Clone(block.Bytes())
	c.table = []bpf.TableEntry{{Name: "server", Value: "goproxy"}, {Name: "age", Value: "7"}}
	return c
}

// TestPlainTables joins a connection without TLS. It gives it the table that the process had
// when it decoded a frame. That frame begins anywhere in the packets.
func TestPlainTables(t *testing.T) {
	const first = 1<<32 - 50 // its sequence numbers wrap around soon
	talk := newConversation(t)
	last := talk.starts[2]
	type test struct {
		name  string
		cuts  []int // of packets
		late  bool  // the table arrives when all is decoded
		more  int   // bytes that arrive before the table
		frame int   // the frame that the table names
		want  string
	}
	tests := []test{
		{name: "one packet", frame: last, want: "? 200"},
		{name: "a packet each", cuts: talk.starts[1:], frame: last, want: "? 200"},
		{name: "first frame", frame: 0, want: "200 200"},
		{name: "late", late: true, frame: last, want: "? ?"},
		{name: "much behind it", more: recover.HoldPackets.Bytes / 2, frame: last, want: "? 200"},
		{name: "too much behind it", more: recover.HoldPackets.Bytes, frame: last, want: "? ?"},
		{name: "no HEADERS", frame: talk.starts[1], want: "? ?"},
		{name: "no frame", frame: last + 1, want: "? ?"},
		{name: "not there", frame: len(talk.bytes), want: "? ?"},
	}
	for i := 1; i < 9; i++ {
		tests = append(tests, test{
			name: fmt.Sprintf("header cut at %d", i), cuts: []int{last + i}, frame: last, want: "? 200",
		})
	}
	tests = append(tests, test{name: "header in many", cuts: []int{last + 1, last + 3, last + 4, last + 8}, frame: last, want: "? 200"})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			table := newTestTable(t, &out)
			table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9}, Wire: bpf.WireHTTP})
			from := 0
			for i, to := range append(slices.Clone(tt.cuts), len(talk.bytes)) {
				table.segment(&bpf.Segment{
					Head: bpf.Head{Conn: 1, PID: 9, Time: 1},
					Dir:  bpf.Recv, Seq: uint64(i), Offset: uint64(from), Payload: talk.bytes[from:to], First: first,
				})
				from = to
			}
			for ; from < len(talk.bytes)+tt.more; from += 9 + 16000 {
				table.segment(&bpf.Segment{
					Head: bpf.Head{Conn: 1, PID: 9, Time: 1},
					Dir:  bpf.Recv, Offset: uint64(from), First: first,
					Payload: append([]byte{0, 16000 >> 8, 16000 & 0xff, 0, 0, 0, 0, 0, 5}, make([]byte, 16000)...),
				})
			}
			if tt.late {
				if err := table.expire(ktime.Time(2).Add(recover.HoldPackets.Longest), false); err != nil {
					t.Fatal(err)
				}
			}
			table.recovery.table(&bpf.Table{
				Head: bpf.Head{Conn: 1, PID: 9, Time: 2},
				Dir:  bpf.Recv, End: uint64(uint32(first + tt.frame)), Entries: talk.table, MaxSize: 4096, Consistent: true,
				Fragment: talk.block, FragmentLength: uint32(len(talk.block)),
			})
			if err := errors.Join(table.send(), table.endAll(), table.events.Flush()); err != nil {
				t.Fatal(err)
			}
			if table.recovery.buffered != 0 {
				t.Errorf("%d bytes are held at the end", table.recovery.buffered)
			}
			if got := statuses(out.String()); got != tt.want {
				t.Errorf("got %s, want %s:\n%s", got, tt.want, out.String())
			}
		})
	}
}

// statuses lists the statuses of the responses in events, "?" for unknown ones.
func statuses(events string) string {
	var list []string
	for line := range strings.Lines(events) {
		switch {
		case strings.Contains(line, `"headers":[{"name":":status","value":"200"},{"name":"server","value":"goproxy"},{"name":"age","value":"7"}]`):
			list = append(list, "200")
		case strings.Contains(line, `"headers_error"`):
			list = append(list, "?")
		}
	}
	return strings.Join(list, " ")
}

// TestPlainWindows has copied windows of a connection before both directions were seen. They
// are of no use, so the engine asks for others.
func TestPlainWindows(t *testing.T) {
	table := newTestTable(t, io.Discard)
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9}, Wire: bpf.WireHTTP})
	table.segment(&bpf.Segment{Head: bpf.Head{Conn: 1, PID: 9}, Dir: bpf.Recv, Payload: newConversation(t).bytes})
	for i := range 2 * recover.SamplesAsked {
		if err := table.recovery.windows(&bpf.Windows{Head: bpf.Head{Conn: 1, PID: 9}, Trusted: true}); err != nil {
			t.Fatal(err)
		}
		if w := &table.byID[1].missing.windows; w.UsedUp() || !w.WantsList() || w.Forgone() {
			t.Fatalf("after %d copies: %+v, want more asked for and none used", i+1, *w)
		}
	}
}

// TestPlainListing has copied windows of places that the decoder has long passed: more streams
// have ended since than it remembers. A list of the open streams would be of no use then, so
// the engine asks for none, and does so with the first copy of a place that serves.
func TestPlainListing(t *testing.T) {
	table := newTestTable(t, io.Discard)
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9}, Role: bpf.RoleClient, Wire: bpf.WireHTTP})
	var resets, grant bytes.Buffer
	framer := http2.NewFramer(&resets, nil)
	for id := range uint32(5000) {
		if err := framer.WriteRSTStream(2*id+1, http2.ErrCodeCancel); err != nil {
			t.Fatal(err)
		}
	}
	if err := http2.NewFramer(&grant, nil).WriteWindowUpdate(0, 1); err != nil {
		t.Fatal(err)
	}
	for dir, b := range [][]byte{bpf.Send: grant.Bytes(), bpf.Recv: resets.Bytes()} {
		table.segment(&bpf.Segment{Head: bpf.Head{Conn: 1, PID: 9}, Dir: dir, Payload: b})
	}
	table.byID[1].release()
	m := table.byID[1].missing
	copied := func(at int) {
		do(t, table.recovery.windows(&bpf.Windows{
			Head: bpf.Head{Conn: 1, PID: 9}, Trusted: true,
			Offset: [2]uint64{bpf.Send: uint64(grant.Len()), bpf.Recv: uint64(at)},
		}))
	}
	for range 2 * recover.SamplesAsked {
		if copied(0); !m.windows.WantsList() {
			t.Fatal("the list of streams is given up")
		}
	}
	tries := 0
	for ; m.windows.WantsList() && tries < recover.SamplesAsked; tries++ {
		copied(resets.Len())
	}
	if m.windows.WantsList() || tries < 2 {
		t.Errorf("asked for a list %d times, want as often as it is tried", tries)
	}
}

// TestPlainSeq has records of a direction in another order than their numbers, as from two
// CPUs. Only the records that the kernel counted are lost.
func TestPlainSeq(t *testing.T) {
	var out bytes.Buffer
	table := newTestTable(t, &out)
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9}, Role: bpf.RoleServer, Wire: bpf.WireHTTP, Handshake: true})
	request := []byte("GET / HTTP/1.1\r\nHost: goproxy.example\r\n\r\n")
	for _, s := range []bpf.Segment{
		{Seq: 0, Offset: 0, Payload: request[:10]},
		{Seq: 2, Offset: 20, Payload: request[20:30]},
		{Seq: 1, Offset: 10, Payload: request[10:20]},
		{Seq: 4, Offset: 30, Payload: request[30:]},
		{Seq: 7, Offset: 200, Payload: []byte("x"), LostRecords: 2, LostBytes: 150, Lost: 1 << bpf.RingFull},
		{Seq: 6, Offset: 199, Payload: []byte("x"), LostRecords: 1, LostBytes: 100}, // numbered earlier, and later in the buffer
		{Seq: 8, Offset: 201, Payload: []byte("x"), LostRecords: 2, LostBytes: 150},
	} {
		s.Head, s.Dir = bpf.Head{Conn: 1, PID: 9}, bpf.Recv
		table.segment(&s)
	}
	err := table.close(&bpf.Close{Head: bpf.Head{Conn: 1, PID: 9}, Totals: bpf.Totals{
		Offset: [2]uint64{bpf.Recv: 300}, LostRecords: [2]uint32{bpf.Recv: 3}, LostBytes: [2]uint64{bpf.Recv: 248},
	}})
	if err := errors.Join(err, table.send(), table.endAll(), table.events.Flush()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, `"event":"loss"`) {
			got = append(got, line[strings.Index(line, `"reason"`):strings.Index(line, `,"conn"`)])
		}
	}
	want := []string{`"reason":"ring_full","records":2,"bytes":150`, `"reason":"gap","records":1,"bytes":98`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := table.losses.announced; got != 3 {
		t.Errorf("%d lost records were announced, want 3", got)
	}
}
