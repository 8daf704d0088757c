//go:build linux

package trace

import (
	"bytes"
	"io"
	"testing"

	"golang.org/x/net/http2"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// TestHoldThroughLosses loses records of a connection repeatedly, while the decoder holds
// received bytes for the header table. The connection stops asking for a table while it
// decodes the held bytes. None of them may be lost.
func TestHoldThroughLosses(t *testing.T) {
	table := newTestTable(t, io.Discard)
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1}, Role: bpf.RoleClient})
	conn := table.byID[1]
	const records = 128 // several times the limit of requests for tables
	for i := range uint64(records) {
		table.recovery.table(&bpf.Table{Head: bpf.Head{Conn: 1}, Dir: bpf.Recv}) // inconsistent
		table.data(&bpf.Data{
			Head: bpf.Head{Conn: 1, Time: ktime.Time(i)},
			Dir:  bpf.Recv, Seq: 2*i + 1, Offset: 20 * i, Payload: make([]byte, 10), Lost: 1 << bpf.RingFull, LostBytes: 10,
		})
	}
	conn.release()
	if got := conn.next[bpf.Recv]; got.seq != 2*records || got.offset != 20*records-10 {
		t.Errorf("decoded up to record %d, byte %d; want %d, %d", got.seq, got.offset, 2*records, 20*records-10)
	}
	if got := table.losses.announced; got != records {
		t.Errorf("%d lost records were announced, want %d", got, records)
	}
	do(t, table.send())
}

// TestHoldMany has more connections hold received bytes than there is room for, besides the
// bytes of others.
func TestHoldMany(t *testing.T) {
	table := newTestTable(t, io.Discard)
	const each, room = 40 << 10, 5
	table.recovery.buffered = maxBuffered - room*each
	holding := 0
	for conn := range uint64(2 * room) {
		table.open(&bpf.Open{Head: bpf.Head{Conn: conn + 1}, Role: bpf.RoleClient})
		table.data(&bpf.Data{Head: bpf.Head{Conn: conn + 1}, Dir: bpf.Recv, Payload: make([]byte, each)})
		if table.byID[conn+1].decoder.Holds() {
			holding++
		}
	}
	if holding != room {
		t.Errorf("%d connections hold what they read, want %d", holding, room)
	}
	for _, c := range table.byID {
		c.release()
	}
	if table.recovery.buffered != maxBuffered-room*each {
		t.Errorf("%d bytes are held", table.recovery.buffered)
	}
	do(t, table.send())
}

// TestTablesAfterManyLosses loses records again and again, and each time what comes of the
// tables before the next loss is of no use. The engine still asks for them after the last one.
func TestTablesAfterManyLosses(t *testing.T) {
	table := newTestTable(t, io.Discard)
	k := table.kernel.(*fakeKernel)
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9, Time: 1}, Role: bpf.RoleClient, Handshake: true})
	var next [2]position
	var frames bytes.Buffer
	framer := http2.NewFramer(&frames, nil)
	frames.WriteString(http2.ClientPreface)
	do(t, framer.WriteSettings())
	table.data(dataRecord(bpf.Send, &next, &frames))
	for i := range 1000 {
		next[bpf.Recv].seq++
		next[bpf.Recv].offset += 100
		do(t, framer.WritePing(false, [8]byte{}))
		table.data(dataRecord(bpf.Recv, &next, &frames))
		do(t, table.send())
		wanted := k.wishes[1].Tables
		if wanted == nil || wanted[bpf.Recv] == 0 {
			t.Fatalf("loss %d: tables wanted: %v", i+1, wanted)
		}
		for range wanted[bpf.Recv] {
			table.recovery.table(&bpf.Table{Head: bpf.Head{Conn: 1}, Dir: bpf.Recv}) // inconsistent
		}
	}
}
