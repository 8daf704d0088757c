package exchange

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
	"h2trace/decoder/http1"
	"h2trace/decoder/ktime"
)

// grown returns how many bytes the heap grows while f runs.
func grown(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// ask opens stream number i of a Tracker, with a URL of that length.
func ask(t *Tracker, i, length int) {
	f := opening(uint32(2*i + 1))
	f.Headers = []hpack.HeaderField{
		{Name: ":method", Value: "GET"},
		{Name: ":scheme", Value: "https"},
		{Name: ":authority", Value: "goproxy.example"},
		{Name: ":path", Value: "/" + strings.Repeat("a", length)},
	}
	t.Frame(f)
}

// TestBudget has many connections with many open streams each. Their memory stays within the
// budget, which matches the real use of memory. In the end all is given back.
func TestBudget(t *testing.T) {
	const conns = 100
	for name, tt := range map[string]struct{ streams, length int }{
		"many streams": {200, 60}, "long URLs": {20, 8 << 10}, "longer than the budget": {1, 1 << 20},
	} {
		budget := http1.NewBudget(2 << 20)
		var trackers []*Tracker
		size := grown(func() {
			for range conns {
				tr := New(Config{Scheme: "https", FromStart: true, Budget: budget}, nothing{})
				tr.SetClient(send)
				for i := range tt.streams {
					ask(tr, i, tt.length)
				}
				trackers = append(trackers, tr)
			}
		})
		limit := int64(2<<20 + conns*ownShare)
		if used := budget.Used(); used > limit {
			t.Errorf("%s: %d bytes are taken, want at most %d", name, used, limit)
		}
		if limit += conns * 4 << 10; size > limit {
			t.Errorf("%s: %d bytes are kept, want at most %d", name, size, limit)
		}
		for _, tr := range trackers {
			tr.Close(9, EndedByPeer)
		}
		if used := budget.Used(); used != 0 {
			t.Errorf("%s: %d bytes are not given back", name, used)
		}
	}
}

// TestShare has one connection that takes as much of the budget as it can. It loses its own
// exchanges, and others keep theirs.
func TestShare(t *testing.T) {
	budget := http1.NewBudget(1 << 20)
	quiet, loud := &whole{}, &whole{}
	a := New(Config{Scheme: "https", FromStart: true, Budget: budget}, quiet)
	b := New(Config{Scheme: "https", FromStart: true, Budget: budget}, loud)
	a.SetClient(send)
	b.SetClient(send)
	for i := range 10 {
		ask(a, i, 10)
	}
	for i := range 2000 {
		ask(b, i, 1000)
	}
	b.Data(1, send, []byte(strings.Repeat("x", 100<<10)))
	if len(quiet.exchanges) != 0 || len(loud.exchanges) == 0 || budget.Over() {
		t.Errorf("%d of the quiet and %d of the loud are given up, %d bytes taken", len(quiet.exchanges), len(loud.exchanges), budget.Used())
	}
	a.Close(9, EndedByPeer)
	b.Close(9, EndedByPeer)
	if got := quiet.exchanges[0]; got.URL != "https://goproxy.example/"+strings.Repeat("a", 10) || budget.Used() != 0 {
		t.Errorf("got %+v, %d bytes are not given back", got, budget.Used())
	}
}

// TestOwnShare has several connections that take the whole budget. A later connection that
// keeps little loses nothing.
func TestOwnShare(t *testing.T) {
	budget := http1.NewBudget(1 << 20)
	for range 2 * maxShare {
		hog := New(Config{Scheme: "https", FromStart: true, Budget: budget}, nothing{})
		hog.SetClient(send)
		for i := range 400 {
			ask(hog, i, 1000)
		}
	}
	if used := budget.Used(); used < budget.Max()*9/10 {
		t.Fatalf("%d bytes of %d are taken", used, budget.Max())
	}
	quiet := &whole{}
	tr := New(Config{Scheme: "https", FromStart: true, Budget: budget}, quiet)
	tr.SetClient(send)
	for i := range 10 {
		ask(tr, i, 100)
	}
	tr.Close(9, EndedByPeer)
	for _, e := range quiet.exchanges {
		if e.URL == "" || e.Error == nil { // a dropped exchange would have no end
			t.Errorf("got %+v", e)
		}
	}
	if len(quiet.exchanges) != 10 {
		t.Errorf("%d exchanges, want 10", len(quiet.exchanges))
	}
}

// BenchmarkOpen measures the memory of an open exchange.
func BenchmarkOpen(b *testing.B) {
	const n = maxOpen
	for range b.N {
		tr := New(Config{Scheme: "https", FromStart: true}, nothing{})
		tr.SetClient(send)
		size := grown(func() {
			for i := range n {
				ask(tr, i, 60)
			}
		})
		b.ReportMetric(float64(size)/n, "B/stream")
		runtime.KeepAlive(tr)
	}
}

// nothing drops the reports of a Tracker.
type nothing struct{}

func (nothing) Request(ktime.Time, *Exchange) {}
func (nothing) Exchange(*Exchange)            {}
func (nothing) Stall(*Stall)                  {}

// opening is the HEADERS frame of a request.
func opening(id uint32) *decoder.Frame {
	return &decoder.Frame{
		Time: 1, Type: decoder.TypeHeaders, Dir: send, StreamID: id, BlockEnd: true,
		Headers: []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/a"}},
	}
}
