package exchange

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/internal/reference"
	"h2trace/decoder/ktime"
)

// observed is what a Conn reports of a conversation of the reference.
type observed struct {
	of        *reference.Conversation
	conn      *Conn
	frames    int
	exchanges int
	err       error // the first difference
}

func observe(c *reference.Conversation, fromStart bool) *observed {
	o := &observed{of: c}
	config := decoder.Config{Role: decoder.Client, FromStart: fromStart}
	o.conn = NewConn(ConnConfig{Scheme: "https", Decoder: config}, Hooks{Frame: o.frame, Exchange: o.exchange})
	return o
}

func (o *observed) differs(format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf(format, args...)
	}
}

// deliver gives the bytes, cut anywhere, and several frames at once that have the same time.
func (o *observed) deliver(rng *rand.Rand, inputs []reference.Input) {
	for len(inputs) > 0 && o.err == nil {
		in := inputs[0]
		b := slices.Clone(in.Bytes)
		for inputs = inputs[1:]; len(inputs) > 0 && inputs[0].At == in.At && inputs[0].Dir == in.Dir; inputs = inputs[1:] {
			b = append(b, inputs[0].Bytes...)
		}
		for len(b) > 0 {
			n := len(b)
			if rng.IntN(3) == 0 {
				n = 1 + rng.IntN(n)
			}
			o.conn.Data(ktime.Time(in.At), decoder.Direction(in.Dir), b[:n])
			b = b[n:]
		}
	}
}

// frame compares the next frame.
func (o *observed) frame(f *decoder.Frame) {
	if o.frames == len(o.of.Frames) {
		o.differs("one frame more: %v on %d", f.Type, f.StreamID)
		return
	}
	want := &o.of.Frames[o.frames]
	o.frames++
	if err := compare(f, want); err != nil {
		o.differs("frame %d: %w", o.frames-1, err)
	}
	broken := f.Violation
	switch {
	case broken == nil && want.Broken != "":
		o.differs("frame %d, %v on %d: no violation, want one of %s", o.frames-1, f.Type, f.StreamID, want.Broken)
	case broken != nil && (want.Broken == "" || uint32(broken.Code) != want.Code || !slices.Contains(sections.FindAllString(broken.Rule, -1), want.Broken)):
		o.differs("frame %d, %v on %d: violation %v, want %s %d", o.frames-1, f.Type, f.StreamID, broken, want.Broken, want.Code)
	case f.BlockEnd != want.Ends, f.BlockEnd && (f.HeadersError != "") != want.Unknown:
		o.differs("frame %d: headers %v, error %q, want unknown: %v", o.frames-1, f.Headers, f.HeadersError, want.Unknown)
	case f.Window.StreamSend.Known != want.Open || !f.Window.ConnSend.Known || !f.Window.ConnRecv.Known:
		o.differs("frame %d, %v on %d: windows %+v, want known: %v", o.frames-1, f.Type, f.StreamID, f.Window, want.Open)
	}
}

// sections finds the sections that a rule names.
var sections = regexp.MustCompile(`§\d+(?:\.\d+)*`)

// compare returns how a frame differs from what it is, in what is said of it.
func compare(f *decoder.Frame, want *reference.Frame) error {
	if int64(f.Time) != want.At || int(f.Dir) != int(want.Dir) || byte(f.Type) != want.Type || byte(f.Flags) != want.Flags ||
		f.StreamID != want.Stream || int(f.Length) != want.Length {
		return fmt.Errorf("got %v %v on %d at %d, %d bytes; want %+v", f.Dir, f.Type, f.StreamID, f.Time, f.Length, want)
	}
	for _, w := range [...]struct {
		got  decoder.Credit
		want int64
	}{
		{f.Window.ConnSend, want.Conn[reference.Send]},
		{f.Window.ConnRecv, want.Conn[reference.Recv]},
		{f.Window.StreamSend, want.Credit[reference.Send]},
		{f.Window.StreamRecv, want.Credit[reference.Recv]},
	} {
		if w.got.Known && w.got.Bytes != w.want {
			return fmt.Errorf("%v on %d at %d: windows %+v, want %v and %v", f.Type, f.StreamID, f.Time, f.Window, want.Conn, want.Credit)
		}
	}
	if f.HeadersError == "" && !want.Unknown && !slices.Equal(f.Headers, want.Fields) {
		return fmt.Errorf("%v on %d at %d: got %v, want %v", f.Type, f.StreamID, f.Time, f.Headers, want.Fields)
	}
	return nil
}

// exchange compares the next exchange.
func (o *observed) exchange(e *Exchange) {
	if o.exchanges == len(o.of.Exchanges) {
		o.differs("one exchange more: %d", e.Stream)
		return
	}
	want := &o.of.Exchanges[o.exchanges]
	o.exchanges++
	class := ""
	if e.Error != nil {
		class = string(e.Error.Class)
	}
	got := reference.Exchange{
		Stream: e.Stream, Method: e.Method, URL: e.URL, Status: e.Status, Bytes: [2]int64{e.RequestBytes, e.ResponseBytes},
		Class: class, Start: int64(e.Start), End: int64(e.End),
	}
	if got != *want {
		o.differs("exchange %d: got  %+v\nwant %+v", o.exchanges-1, got, *want)
	}
}

// converse compares a conversation with what a Conn reports of it.
func converse(seed uint64, frames int, illegal bool) error {
	rng := rand.New(rand.NewPCG(seed, 8))
	c := reference.New(seed, frames, reference.Options{Illegal: illegal})
	o := observe(c, true)
	o.deliver(rng, c.Inputs)
	o.conn.Close(ktime.Time(c.Closed), EndedByPeer)
	switch {
	case o.err != nil:
		return o.err
	case o.frames != len(c.Frames) || o.exchanges != len(c.Exchanges):
		return fmt.Errorf("%d frames and %d exchanges, want %d and %d", o.frames, o.exchanges, len(c.Frames), len(c.Exchanges))
	}
	return nil
}

// TestReference compares random conversations, legal and illegal, with the reference: each frame
// with its fields, windows and the rule that it breaks, and each exchange.
func TestReference(t *testing.T) {
	for seed := range uint64(60) {
		for _, illegal := range []bool{false, true} {
			if err := converse(seed, 300, illegal); err != nil {
				t.Fatalf("seed %d, illegal %v: %v", seed, illegal, err)
			}
		}
	}
}
