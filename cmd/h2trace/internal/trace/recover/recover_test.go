package recover

import (
	"testing"
	"time"

	"h2trace/bpf"
)

// TestProbes attaches the probes for connections that want something. Each look has the hits
// so far, and says whether the probes have become useless.
func TestProbes(t *testing.T) {
	start := time.Unix(100, 0)
	type look struct {
		hits    uint64
		wanting int
		over    bool
	}
	tests := []struct {
		name  string
		rest  bool
		looks []look
	}{
		{"wanted", false, []look{{1, 1, false}, {vainHits + 1, 1, false}}},
		{"in vain", false, []look{{1, 1, false}, {vainHits + 2, 1, true}}},
		{"wanted no more", false, []look{{1, 1, false}, {2, 0, true}}},
		{"resting", true, []look{{1, 0, false}, {idleHits + 1, 0, false}, {idleHits + 2, 0, true}}},
		{"resting, and wanted", true, []look{{1, 1, false}, {idleHits + 2, 1, false}, {idleHits + 3, 0, true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p Probes
			if tt.rest {
				p.Rest(start)
			} else if p.Begin(start, 0) || !p.Begin(start, 1) || p.Begin(start, 1) {
				t.Fatal("the probes are not attached once, for a connection")
			}
			p.Change()
			for i, l := range tt.looks {
				if got := p.Over(l.hits, l.wanting); got != l.over || p.On() == l.over {
					t.Fatalf("look %d: over %t, want %t; on %t", i+1, got, l.over, p.On())
				}
			}
		})
	}
}

// TestBeginAgain has the probes attached again, after a pause.
func TestBeginAgain(t *testing.T) {
	start := time.Unix(100, 0)
	var p Probes
	p.Begin(start, 1)
	p.Over(0, 0)
	if p.Begin(start.Add(beginInterval-1), 1) || !p.Begin(start.Add(beginInterval), 1) {
		t.Errorf("the probes begin again too soon, or never: %+v", p)
	}
}

// TestAsks asks for the tables of one direction up to the limit.
func TestAsks(t *testing.T) {
	var a Asks
	for i := range 2 * maxAsks {
		want := [2]uint32{bpf.Recv: tablesAsked}
		if i >= maxAsks {
			want = [2]uint32{}
		}
		if got := a.Next([2]bool{bpf.Send: true}); got != want {
			t.Fatalf("ask %d: got %v, want %v", i+1, got, want)
		}
		for j := range tablesAsked {
			if got := a.Used(bpf.Recv); got != (j == tablesAsked-1) {
				t.Fatalf("ask %d, table %d: used up %t", i+1, j+1, got)
			}
		}
	}
}

// TestHold holds again and again in vain.
func TestHold(t *testing.T) {
	const enough = 5000 // for no bound
	for _, tt := range []struct {
		name           string
		h              *Hold
		http2, decided bool
		most           int
	}{
		{"TLS", &HoldRecords, false, false, 1024},
		{"TLS, HTTP/2", &HoldRecords, true, true, enough},
		{"TLS, another protocol", &HoldRecords, false, true, 0},
		{"without", &HoldPackets, false, false, 64},
		{"without, HTTP/2", &HoldPackets, true, true, 64},
	} {
		times := 0
		for times < enough && tt.h.Pays(times, tt.http2, tt.decided) {
			times++
		}
		if times != tt.most {
			t.Errorf("%s: held %d times, want %d", tt.name, times, tt.most)
		}
	}
}

// TestTables bounds the waiting tables.
func TestTables(t *testing.T) {
	var tables Tables
	for id := range uint64(2 * keptTables) {
		tables.Add(&bpf.Table{ID: id, Entries: make([]bpf.TableEntry, 1)})
	}
	if len(tables.byID) != keptTables || tables.Take(0) != nil || tables.Take(2*keptTables-1) == nil || tables.Take(2*keptTables-1) != nil {
		t.Errorf("%d tables are kept, or the wrong ones", len(tables.byID))
	}
	tables.Add(&bpf.Table{ID: 1 << 20, Entries: make([]bpf.TableEntry, keptEntries)})
	if len(tables.byID) != 1 {
		t.Errorf("%d tables are kept beside a large one", len(tables.byID))
	}
	for ptr := range uint64(2 * maxEarly) {
		tables.Early(&bpf.Block{Head: bpf.Head{PID: 9}, ID: ptr, Behind: [4]uint64{0, ptr + 1}})
	}
	if got := tables.Opened(8, 1, 2*maxEarly); got != nil {
		t.Errorf("another process has %d blocks", len(got))
	}
	if got := tables.Opened(9, 1, 1); got != nil || len(tables.early) != maxEarly {
		t.Errorf("%d blocks are kept, %d of the first connection", len(tables.early), len(got))
	}
	if got := tables.Opened(9, 1, 2*maxEarly); len(got) != 1 || len(tables.early) != maxEarly-1 {
		t.Errorf("got %+v", got)
	}
}

// TestWindows samples windows until all listed ones are known, up to the limit.
func TestWindows(t *testing.T) {
	t.Run("no streams", func(t *testing.T) {
		var w Windows
		if !w.Ask() || w.Settled(true) {
			t.Fatal("not asked for")
		}
		w.Sample()
		w.Held(0)
		if w.Settled(true) || !w.WantsList() || w.List(nil, true, 0) {
			t.Fatal("streams are known that were not listed")
		}
		if !w.Settled(true) || w.Settled(false) {
			t.Error("not settled by what the decoder knows")
		}
	})
	t.Run("streams", func(t *testing.T) {
		var w Windows
		w.Ask()
		w.Sample()
		if !w.List([]uint64{1}, true, 0) || w.Settled(true) {
			t.Fatal("the streams are not sampled")
		}
		w.Held(0)
		if w.Settled(true) {
			t.Fatal("settled by a sample without them")
		}
		w.Held(1)
		if !w.Settled(true) {
			t.Fatal("not settled")
		}
		if w.Outdate(); w.Settled(true) || !w.WantsList() {
			t.Error("settled by streams of before")
		}
	})
	t.Run("list not to be read", func(t *testing.T) {
		var w Windows
		for n := 1; w.WantsList(); n++ {
			if w.List(nil, false, 0); n > maxListings {
				t.Fatal("never given up")
			}
		}
		if w.Outdate(); w.WantsList() {
			t.Error("listed again after it was given up")
		}
	})
	t.Run("too many", func(t *testing.T) {
		var w Windows
		for n := 0; w.Ask(); n++ {
			for !w.UsedUp() {
				w.Sample()
			}
			if n > maxSamples/SamplesAsked {
				t.Fatal("never given up")
			}
		}
		if w.Forgo(); !w.Settled(false) || !w.Forgone() {
			t.Error("not settled")
		}
	})
	t.Run("mistrusted", func(t *testing.T) {
		var w Windows
		for n := 1; !w.Mistrust(); n++ {
			if n > maxMistrusted {
				t.Fatal("never given up")
			}
		}
	})
}
