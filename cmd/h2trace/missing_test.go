package main

import (
	"io"
	"os"
	"testing"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/export"
)

// TestHoldThroughLosses loses records of a connection again and again while
// what it reads is held for its header table: it stops asking for one in the
// middle of decoding what was held, and nothing of that may be lost.
func TestHoldThroughLosses(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("loading BPF programs needs root")
		}
		t.Skip("loading BPF programs needs root")
	}
	collector, err := bpf.New(bpf.Options{BufferSize: bpf.MinBufferSize})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := collector.Close(); err != nil {
			t.Error(err)
		}
	})
	events := export.NewJSONL(io.Discard, export.Options{})
	losses := &lossBook{events: events}
	recovery := newRecovery(collector, &messages{w: io.Discard}, func() []string { return nil })
	table := newConnTable(collector, events, clock{}, losses, decoder.Config{}, recovery, func(int) *source { return nil })
	if err := recovery.await(); err != nil {
		t.Fatal(err)
	}
	table.open(&bpf.Record{Kind: bpf.KindOpen, Conn: 1, Open: bpf.Open{Role: bpf.RoleClient}})
	conn := table.byID[1]
	const records = 4 * maxAsks
	for i := range uint64(records) {
		table.data(&bpf.Record{Kind: bpf.KindData, Conn: 1, Time: int64(i), Data: bpf.Data{
			Dir: bpf.Recv, Seq: 2*i + 1, Offset: 20 * i, Payload: make([]byte, 10), Lost: 1 << bpf.RingFull, LostBytes: 10,
		}})
	}
	conn.release()
	if got := conn.next[bpf.Recv]; got.seq != 2*records || got.offset != 20*records-10 {
		t.Errorf("decoded up to record %d, byte %d; want %d, %d", got.seq, got.offset, 2*records, 20*records-10)
	}
	if losses.announced != records {
		t.Errorf("%d lost records were announced, want %d", losses.announced, records)
	}
	if table.failed != nil {
		t.Error(table.failed)
	}
}
