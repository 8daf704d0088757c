//go:build linux

package exchange

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/internal/cost"
	"h2trace/decoder/ktime"
)

// floods are actions that a peer may repeat n times. Each frame must cost the same, however
// many streams are open.
var floods = map[string]func(t *Tracker, n int){
	"open streams": func(t *Tracker, n int) {
		for i := range n {
			t.Frame(opening(uint32(2*i + 1)))
		}
	},
	"promises": func(t *Tracker, n int) {
		t.Frame(opening(1))
		for i := range n {
			f := opening(1)
			f.Type, f.Dir, f.PromisedID = decoder.TypePushPromise, recv, uint32(2*i+2)
			t.Frame(f)
		}
	},
	"streams met in the middle, downwards": func(t *Tracker, n int) {
		t.cfg.FromStart = false
		for i := range n {
			t.Frame(&decoder.Frame{Time: 1, Type: decoder.TypeData, Dir: recv, StreamID: uint32(2*(n-i) + 1)})
		}
	},
	"GOAWAY of what is above all streams": func(t *Tracker, n int) {
		for i := range n {
			t.Frame(opening(uint32(2*i + 1)))
			t.Frame(&decoder.Frame{Time: 2, Type: decoder.TypeGoAway, Dir: recv, Length: 8, LastStreamID: 1<<31 - 1})
		}
	},
	"stalls of the connection": func(t *Tracker, n int) {
		for i := range n {
			t.Frame(opening(uint32(2*i + 1)))
			data := &decoder.Frame{Time: ktime.Time(i + 2), Type: decoder.TypeData, Dir: recv, StreamID: uint32(2*i + 1), Length: 1}
			data.Window.ConnRecv.Known = true
			data.Flags = decoder.FlagEndStream
			t.Frame(data)
		}
	},
	"losses": func(t *Tracker, n int) {
		for i := range n {
			t.Frame(opening(uint32(2*i + 1)))
			t.Lost(recv)
		}
	},
	"pipelined requests": func(t *Tracker, n int) {
		for range n {
			t.Data(1, send, []byte("GET /a HTTP/1.1\r\nHost: goproxy.example\r\n\r\n"))
		}
		for range n {
			t.Data(2, recv, []byte("HTTP/1.1 204 No Content\r\n\r\n"))
		}
	},
	"pipelined requests at once": func(t *Tracker, n int) {
		t.Data(1, send, bytes.Repeat([]byte("GET /a HTTP/1.1\r\nHost: goproxy.example\r\n\r\n"), n))
		t.Data(2, recv, bytes.Repeat([]byte("HTTP/1.1 204 No Content\r\n\r\n"), n))
	},
	"requests that may be waited for": func(t *Tracker, n int) {
		for i := range n {
			t.Frame(opening(uint32(2*i + 1)))
		}
		t.Ended(EndedByPeer)
		for i := range n {
			t.Waits("GET", strconv.Itoa(i))
		}
	},
}

// TestLinearCost floods a Tracker.
func TestLinearCost(t *testing.T) {
	kinds := make(map[string]func(int) func())
	for name, flood := range floods {
		kinds[name] = func(n int) func() {
			tr := New(Config{Scheme: "https", FromStart: true}, nothing{})
			tr.SetClient(send)
			return func() {
				flood(tr, n)
				tr.Close(9, EndedByPeer)
			}
		}
	}
	cost.Linear(t, 3000, kinds)
}

// TestManyOpen has more open streams than the Tracker follows. It drops the oldest, and their
// end is unknown.
func TestManyOpen(t *testing.T) {
	w := &whole{}
	tr := New(Config{Scheme: "https", FromStart: true}, w)
	tr.SetClient(send)
	floods["open streams"](tr, maxOpen+100)
	if len(w.exchanges) != 100 || tr.all.len != maxOpen || len(tr.streams) != maxOpen || len(tr.byID) != maxOpen {
		t.Fatalf("%d given up, %d, %d, %d kept", len(w.exchanges), tr.all.len, len(tr.streams), len(tr.byID))
	}
	for i, e := range w.exchanges {
		if e.Stream != uint32(2*i+1) || e.End != 0 || e.Error != nil || e.Open {
			t.Fatalf("exchange %d: got %+v, want the oldest without an end", i, e)
		}
	}
	w.exchanges = nil
	tr.Frame(&decoder.Frame{Time: 2, Type: decoder.TypeGoAway, Dir: recv, Length: 8, LastStreamID: 1001})
	tr.Close(9, EndedByPeer)
	refused := 0
	for _, e := range w.exchanges {
		if strings.HasPrefix(e.Error.Detail, "GOAWAY") && e.End == 2 {
			refused++
		}
	}
	if want := maxOpen - (1001-201)/2 - 1; refused != want || len(w.exchanges) != maxOpen {
		t.Errorf("GOAWAY ended %d of %d, want %d of %d", refused, len(w.exchanges), want, maxOpen)
	}
}

// BenchmarkFlood opens, or promises, 200,000 streams through the decoder. It reports the cost
// of one stream relative to its cost with 25,000.
func BenchmarkFlood(b *testing.B) {
	const few, many = 25_000, 200_000
	for name, write := range map[string]func(p *peers, i int){
		"open": func(p *peers, i int) { p.get(1, uint32(2*i+1), "/a") },
		"promised": func(p *peers, i int) {
			p.promise(1, 1, uint32(2*i+2), ":method=GET", ":scheme=https", ":authority=a.example", ":path=/a")
		},
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				var took [2]time.Duration
				for i, n := range [...]int{few, many} {
					l := &whole{}
					l.tracker = New(Config{Scheme: "https", FromStart: true}, nothing{})
					l.tracker.SetClient(send)
					p := newPeers(nil, decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, l))
					p.start(1 << 16)
					p.get(1, 1, "/")
					before := time.Now()
					for i := range n {
						write(p, i+1)
					}
					took[i] = time.Since(before) / time.Duration(n)
				}
				b.ReportMetric(float64(took[1])/float64(took[0]), "times")
				b.ReportMetric(float64(took[1].Nanoseconds()), "ns/stream")
			}
		})
	}
}
