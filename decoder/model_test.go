package decoder

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"h2trace/decoder/ktime"
)

// model is a second implementation of RFC 9113 §6.9. It keeps every window as a separate
// number, and walks over all streams when an initial window changes. It shares nothing with
// the decoder.
type model struct {
	conn    map[string]int64
	initial map[string]int64
	stream  map[uint32]map[string]int64
	ended   map[uint32]map[string]bool
	// sent holds the INITIAL_WINDOW_SIZE values (or -1) of the SETTINGS frames that the
	// observed process sent and its peer has not acknowledged.
	sent []int64
}

func newModel() *model {
	return &model{
		conn:    map[string]int64{"send": 65535, "recv": 65535},
		initial: map[string]int64{"send": 65535, "recv": 65535},
		stream:  map[uint32]map[string]int64{},
		ended:   map[uint32]map[string]bool{},
	}
}

func (m *model) open(id uint32) {
	m.stream[id] = map[string]int64{"send": m.initial["send"], "recv": m.initial["recv"]}
	m.ended[id] = map[string]bool{}
}

func (m *model) setInitial(way string, n int64) {
	for _, w := range m.stream {
		w[way] += n - m.initial[way]
	}
	m.initial[way] = n
}

func (m *model) data(way string, id uint32, n int64) {
	m.conn[way] -= n
	if w := m.stream[id]; w != nil {
		w[way] -= n
	}
}

func (m *model) windows(id uint32) string {
	s := func(way string) string {
		if w := m.stream[id]; w != nil {
			return fmt.Sprint(w[way])
		}
		return "?"
	}
	return fmt.Sprintf("%d,%d,%s,%s", m.conn["send"], m.conn["recv"], s("send"), s("recv"))
}

// end marks the end of one direction of a stream. It forgets a stream when both have ended.
func (m *model) end(id uint32, way string) {
	if e := m.ended[id]; e != nil {
		e[way] = true
		if e["send"] && e["recv"] {
			m.forget(id)
		}
	}
}

func (m *model) forget(id uint32) {
	delete(m.stream, id)
	delete(m.ended, id)
}

// trace is a random legal conversation, written with the Framer of x/net. It has the windows
// of the model after each frame.
type trace struct {
	rng    *rand.Rand
	buf    bytes.Buffer
	framer *http2.Framer
	inputs []input
	want   []string
	fields map[ktime.Time]string // of blocks, by time
	block  bytes.Buffer
	enc    map[string]*hpack.Encoder
	m      *model
	next   uint32
	peer   int // SETTINGS of the peer that the process has not acknowledged
}

func newTrace(seed, stream uint64) *trace {
	g := &trace{
		rng: rand.New(rand.NewPCG(seed, stream)), m: newModel(), next: 1,
		fields: make(map[ktime.Time]string), enc: make(map[string]*hpack.Encoder),
	}
	g.framer = http2.NewFramer(&g.buf, nil)
	return g
}

func (g *trace) emit(way string, id uint32) {
	dir := Send
	if way == "recv" {
		dir = Recv
	}
	g.inputs = append(g.inputs, input{at: ktime.Time(len(g.want)), dir: dir, data: bytes.Clone(g.buf.Bytes())})
	g.buf.Reset()
	g.want = append(g.want, g.m.windows(id))
}

func (g *trace) ok(err error) {
	if err != nil {
		panic(err)
	}
}

// pick returns a random followed stream, or 0.
func (g *trace) pick() uint32 {
	var ids []uint32
	for id := uint32(1); id < g.next; id += 2 {
		if g.m.stream[id] != nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return 0
	}
	return ids[g.rng.IntN(len(ids))]
}

// headers writes a block. Some of its fields are in the table, others are added to it.
func (g *trace) headers(way, name string, id uint32, end bool) {
	if g.enc[way] == nil {
		g.enc[way] = hpack.NewEncoder(&g.block)
	}
	fields := []hpack.HeaderField{{Name: name, Value: "200"}, {Name: "x-number", Value: fmt.Sprint(g.rng.IntN(8))}}
	g.block.Reset()
	for _, f := range fields {
		g.ok(g.enc[way].WriteField(f))
	}
	g.fields[ktime.Time(len(g.want))] = fmt.Sprint(fields)
	g.ok(g.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: g.block.Bytes(), EndStream: end, EndHeaders: true}))
}

func (g *trace) step() {
	way := []string{"send", "recv"}[g.rng.IntN(2)]
	back := map[string]string{"send": "recv", "recv": "send"}[way]
	id := g.pick()
	switch g.rng.IntN(12) {
	case 0: // a new stream
		id, g.next = g.next, g.next+2
		g.m.open(id)
		end := g.rng.IntN(3) == 0
		g.headers("send", ":method", id, end)
		g.emit("send", id)
		if end {
			g.m.end(id, "send")
		}
	case 1, 2, 3, 4, 5: // data, with or without padding, within the credit
		if id == 0 || g.m.ended[id][way] {
			return
		}
		most := min(g.m.conn[way], g.m.stream[id][way], 16384)
		if most < 0 {
			most = 0
		}
		n, pad := g.rng.Int64N(most+1), int64(-1)
		if most > 256 && g.rng.IntN(3) == 0 {
			pad = g.rng.Int64N(256)
			n = min(n, most-pad-1)
		}
		end := g.rng.IntN(12) == 0
		g.m.data(way, id, n+max(pad+1, 0))
		if pad >= 0 {
			g.ok(g.framer.WriteDataPadded(id, end, make([]byte, n), make([]byte, pad)))
		} else {
			g.ok(g.framer.WriteData(id, end, make([]byte, n)))
		}
		g.emit(way, id)
		if end {
			g.m.end(id, way)
		}
	case 6: // credit for the connection
		n := g.rng.Int64N(70000) + 1
		g.ok(g.framer.WriteWindowUpdate(0, uint32(n)))
		g.m.conn[back] += n
		g.emit(way, 0)
	case 7: // credit for a stream, which may just have closed
		n := g.rng.Int64N(70000) + 1
		if id == 0 {
			if id = g.next - 2; id > g.next {
				return
			}
		}
		g.ok(g.framer.WriteWindowUpdate(id, uint32(n)))
		if w := g.m.stream[id]; w != nil {
			w[back] += n
		}
		g.emit(way, id)
	case 8: // settings
		value := int64(-1)
		var settings []http2.Setting
		if g.rng.IntN(4) > 0 {
			value = g.rng.Int64N(200000)
			settings = append(settings, http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(value)})
		}
		g.ok(g.framer.WriteSettings(settings...))
		if way == "send" {
			g.m.sent = append(g.m.sent, value)
		} else {
			g.peer++
			if value >= 0 {
				g.m.setInitial("send", value)
			}
		}
		g.emit(way, 0)
	case 9: // acknowledgement
		if way == "send" && g.peer > 0 {
			g.peer--
		} else if way == "recv" && len(g.m.sent) > 0 {
			if v := g.m.sent[0]; v >= 0 {
				g.m.setInitial("recv", v)
			}
			g.m.sent = g.m.sent[1:]
		} else {
			return
		}
		g.ok(g.framer.WriteSettingsAck())
		g.emit(way, 0)
	case 10: // response headers or trailers
		if id == 0 || g.m.ended[id][way] {
			return
		}
		end := way == "send"
		name := ":status"
		if end {
			name = "x-trailer" // trailers have no pseudo-header fields (RFC 9113 §8.1)
		}
		g.headers(way, name, id, end)
		g.emit(way, id)
		if end {
			g.m.end(id, way)
		}
	case 11: // reset, and data of the other side in flight
		if id == 0 || g.rng.IntN(3) > 0 {
			return
		}
		open := !g.m.ended[id][back]
		g.ok(g.framer.WriteRSTStream(id, http2.ErrCodeCancel))
		g.emit(way, id)
		n := min(g.m.conn[back], g.m.stream[id][back], 1000)
		g.m.forget(id)
		if open && n > 0 {
			g.m.data(back, id, n)
			g.ok(g.framer.WriteData(id, false, make([]byte, n)))
			g.emit(back, id)
		}
	}
}

// TestWindowsAgainstModel compares the windows after each frame of random legal conversations
// with those of the model. It wants no violation.
func TestWindowsAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		checkModel(t, seed, 400)
	}
}

// FuzzWindows does the same for conversations that a fuzzer chooses.
func FuzzWindows(f *testing.F) {
	f.Add(uint64(1), uint16(100))
	f.Fuzz(func(t *testing.T, seed uint64, frames uint16) {
		checkModel(t, seed, int(frames%1000))
	})
}

// converse returns a conversation of so many frames, from the client's side.
func converse(seed uint64, frames int) *trace {
	g := newTrace(seed, 1)
	g.buf.Write(preface)
	g.ok(g.framer.WriteSettings())
	g.m.sent = []int64{-1}
	g.emit("send", 0)
	g.ok(g.framer.WriteSettings())
	g.peer = 1
	g.emit("recv", 0)
	for len(g.want) < frames {
		g.step()
	}
	return g
}

func checkModel(t *testing.T, seed uint64, frames int) {
	t.Helper()
	g := converse(seed, frames)
	r := &windowLog{}
	c := NewConn(Config{Role: Client, FromStart: true}, r)
	for _, in := range g.inputs {
		c.Data(in.at, in.dir, in.data)
	}
	if len(r.got) != len(g.want) {
		t.Fatalf("seed %d: %d frames, want %d", seed, len(r.got), len(g.want))
	}
	for i := range g.want {
		if r.got[i] != g.want[i] {
			t.Fatalf("seed %d, frame %d (%s): windows %s, want %s", seed, i, r.what[i], r.got[i], g.want[i])
		}
	}
	if len(c.streams.byID) != len(g.m.stream) {
		t.Errorf("seed %d: %d open streams, want %d", seed, len(c.streams.byID), len(g.m.stream))
	}
	if len(r.violations) > 0 {
		t.Fatalf("seed %d: violations in a legal conversation: %v", seed, r.violations)
	}
}

// windowLog is a Sink that records the windows after each frame.
type windowLog struct{ got, what, violations []string }

func (w *windowLog) Protocol(ktime.Time, Protocol, bool) {}
func (w *windowLog) Resync(ktime.Time, Direction, int64) {}
func (w *windowLog) Frame(f *Frame) {
	w.got = append(w.got, fmt.Sprintf("%s,%s,%s,%s", credit(f.Window.ConnSend), credit(f.Window.ConnRecv), credit(f.Window.StreamSend), credit(f.Window.StreamRecv)))
	w.what = append(w.what, describe(f))
	if ofFrame(f) != nil {
		w.violations = append(w.violations, describe(f))
	}
}
