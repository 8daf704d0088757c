package exchange

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/internal/reference"
	"h2trace/decoder/ktime"
)

// partly is what a Conn reports of a conversation of which it misses something. What it reports
// must be so, and what it does not know unknown.
type partly struct {
	observed
	last     [2]int64 // time of the latest frame, by direction
	byStream map[uint32]*reference.Exchange
	known    int // windows and header lists that are
}

func observePartly(c *reference.Conversation, config decoder.Config) *partly {
	p := &partly{observed: observed{of: c}, byStream: make(map[uint32]*reference.Exchange)}
	for i := range c.Exchanges {
		p.byStream[c.Exchanges[i].Stream] = &c.Exchanges[i]
	}
	p.conn = NewConn(ConnConfig{Scheme: "https", Decoder: config}, Hooks{Frame: p.frame, Exchange: p.exchange})
	return p
}

// cutReset is the detail of a RST_STREAM whose code was not seen.
const cutReset = "RST_STREAM"

// frame compares a frame with that of its time.
func (p *partly) frame(f *decoder.Frame) {
	p.frames++
	if f.Violation != nil {
		p.differs("%v on %d at %d: violation %v in a legal conversation", f.Type, f.StreamID, f.Time, f.Violation)
	}
	if f.Truncated || f.Cut {
		return // its time may be that of a later byte
	}
	at := int64(f.Time)
	if at < 1 || at > int64(len(p.of.Frames)) || at <= p.last[f.Dir] {
		p.differs("%v at %d, after %d", f.Type, at, p.last[f.Dir])
		return
	}
	p.last[f.Dir] = at
	if err := compare(f, &p.of.Frames[at-1]); err != nil {
		p.differs("%w", err)
	}
	if f.Window.StreamSend.Known || f.Window.ConnSend.Known || len(f.Headers) > 0 {
		p.known++
	}
}

// exchange compares what is known of an exchange.
func (p *partly) exchange(e *Exchange) {
	p.exchanges++
	want := p.byStream[e.Stream]
	// A RST_STREAM that was lost, of a side that has nothing more to send, leaves its exchange
	// to the end of the connection. Trailers whose fields are unknown, on the highest stream, are
	// taken for its request.
	began := e.Method != "" || e.URL != ""
	switch {
	case want == nil:
		p.differs("exchange %d: there is none", e.Stream)
	case e.URL != "" && e.URL != want.URL, e.Method != "" && e.Method != want.Method, e.Status != 0 && e.Status != want.Status,
		began && e.RequestBytes >= 0 && e.RequestBytes != want.Bytes[reference.Send], began && e.ResponseBytes >= 0 && e.ResponseBytes != want.Bytes[reference.Recv],
		began && e.Start != 0 && int64(e.Start) != want.Start,
		(began || e.Status != 0) && e.End != 0 && int64(e.End) != p.of.Closed && e.Status == want.Status && e.Error != nil && e.Error.Detail != cutReset && string(e.Error.Class) != want.Class:
		p.differs("exchange: got %+v, error %v, want %+v", e, e.Error, want)
	}
}

// missing lets an observer miss some of a conversation: its beginning, what it loses later, or
// what it counts because there is too much of it.
func missing(seed uint64, frames int) (*partly, error) {
	rng := rand.New(rand.NewPCG(seed, 9))
	c := reference.New(seed, frames, reference.Options{Distinct: true, Plain: true})
	config := decoder.Config{Role: decoder.Client, FromStart: true}
	inputs := c.Inputs
	switch seed % 3 {
	case 0:
		config.FromStart = false
		inputs = inputs[2+rng.IntN(len(inputs)/2):]
	case 1:
		config.Overhead = decoder.Overhead{Burst: int64(10 + rng.IntN(30)), PerSecond: 1e9 / int64(2+rng.IntN(8))}
	}
	p := observePartly(c, config)
	gap := -1
	if seed%3 == 2 {
		gap = rng.IntN(len(inputs))
	}
	for i, in := range inputs {
		dir, b := decoder.Direction(in.Dir), in.Bytes
		const header = 9 // where frames begin must be known after it: the search for that is a guess
		if i == gap && len(b) <= header {
			gap++
		} else if i == gap {
			from := header + rng.IntN(len(b)-header)
			to := from + 1 + rng.IntN(len(b)-from)
			p.conn.Data(ktime.Time(in.At), dir, b[:from])
			n := int64(to - from)
			if rng.IntN(3) == 0 {
				n, to = -1, len(b)
			}
			p.conn.Gap(ktime.Time(in.At), dir, n)
			b = b[to:]
			gap += rng.IntN(100)
		}
		p.deliver(rng, []reference.Input{{At: in.At, Dir: in.Dir, Bytes: b}})
	}
	p.conn.Close(ktime.Time(c.Closed), EndedByPeer)
	if p.err != nil {
		return p, fmt.Errorf("%s: %w", [...]string{"joined", "counted", "lost"}[seed%3], p.err)
	}
	return p, nil
}

// TestReferenceMissing compares random conversations of which something is missing. Nothing that
// is reported is wrong.
func TestReferenceMissing(t *testing.T) {
	frames, known := 0, 0
	for seed := range uint64(400) {
		p, err := missing(seed, 300)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		frames, known = frames+p.frames, known+p.known
	}
	t.Logf("%d frames, of which something is known of %d", frames, known)
	if frames < 20_000 || known < 5_000 {
		t.Errorf("%d frames are reported, and something is known of %d", frames, known)
	}
}
