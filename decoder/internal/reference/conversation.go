package reference

import (
	"encoding/binary"
	"math/rand/v2"
)

// Options says what a conversation is like.
type Options struct {
	// Illegal has some frames break rules.
	Illegal bool
	// Distinct gives each frame a time of its own.
	Distinct bool
	// Plain leaves out what no endpoint sends, though it may: frames of unknown types, field
	// blocks that begin with an empty frame, and a GOAWAY that refuses streams. It also leaves
	// out frames that cross a RST_STREAM, as an observer that misses that cannot know it.
	Plain bool
}

// Input is bytes of a direction, at a time.
type Input struct {
	At    int64
	Dir   Dir
	Bytes []byte
}

// Conversation is what two endpoints say, and what is to be reported of that.
type Conversation struct {
	Inputs    []Input // whole frames
	Frames    []Frame
	Exchanges []Exchange // in the order of their ends
	Closed    int64      // when the server closes the connection

	rng  *rand.Rand
	opts Options
	now  int64
	last Dir

	windows
	streams []*stream
	byID    map[uint32]*stream
	ended   []*stream // closed, in their order
	next    uint32    // stream of the client
	passed  uint32    // a stream that was passed over, 0 without one
	gone    bool      // the server has sent GOAWAY

	tables   [2]table // by direction of the blocks
	lossless [2]bool  // the observer knows the whole table
	sizes    [2][]int // HEADER_TABLE_SIZE, or -1, of each side's SETTINGS that wait
	server   int      // SETTINGS of the server that wait
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" // RFC 9113 §3.4

// The frame types (RFC 9113 §6).
const (
	data = iota
	headers
	priority
	rstStream
	settings
	_ // PUSH_PROMISE
	ping
	goAway
	windowUpdate
	continuation
)

const (
	endStream  = 0x1
	ack        = 0x1
	endHeaders = 0x4
	padded     = 0x8
)

// The settings that matter (RFC 9113 §6.5.2).
const (
	headerTableSize   = 1
	initialWindowSize = 4
)

// New returns the conversation of a seed, of so many frames or a few more.
func New(seed uint64, frames int, opts Options) *Conversation {
	c := &Conversation{rng: rand.New(rand.NewPCG(seed, 7)), opts: opts, byID: make(map[uint32]*stream), next: 1}
	c.conn, c.initial = [2]int64{defaultWindow, defaultWindow}, [2]int64{defaultWindow, defaultWindow}
	for d := range c.tables {
		c.tables[d] = table{max: 4096, allowed: 4096, least: 4096}
		c.lossless[d] = true
	}
	c.Inputs = append(c.Inputs, Input{Dir: Send, Bytes: []byte(preface)})
	c.settings(Send)
	c.settings(Recv)
	for len(c.Frames) < frames {
		c.step()
	}
	c.now++
	c.Closed = c.now
	for _, s := range c.streams {
		switch {
		case s.gone:
		case s.ended[Recv]:
			c.finish(s, "")
		case c.gone:
			c.finish(s, "goaway")
		default:
			c.finish(s, "reset")
		}
	}
	return c
}

// turn begins a frame of a direction: time may pass.
func (c *Conversation) turn(d Dir) {
	if c.opts.Distinct || d != c.last || c.rng.IntN(3) == 0 {
		c.now++
	}
	c.last = d
}

// emit adds a frame of the direction whose turn it is, with the windows that it leaves.
func (c *Conversation) emit(typ, flags byte, id uint32, payload []byte) *Frame {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), typ, flags}
	b = append(binary.BigEndian.AppendUint32(b, id), payload...)
	c.Inputs = append(c.Inputs, Input{c.now, c.last, b})
	f := Frame{At: c.now, Dir: c.last, Type: typ, Flags: flags, Stream: id, Length: len(payload), Conn: c.conn}
	if s := c.byID[id]; s != nil && !s.closed {
		f.Open, f.Credit = true, s.credit
	}
	c.Frames = append(c.Frames, f)
	return &c.Frames[len(c.Frames)-1]
}

// breaks says that a frame breaks a rule.
func (f *Frame) breaks(section string, code uint32) { f.Broken, f.Code = section, code }

// pick returns a stream for which something holds, or nil.
func (c *Conversation) pick(holds func(s *stream) bool) *stream {
	n := len(c.streams)
	if n == 0 {
		return nil
	}
	for i, from := 0, c.rng.IntN(n); i < n; i++ {
		if s := c.streams[(from+i)%n]; holds(s) {
			return s
		}
	}
	return nil
}

// justClosed returns a stream that was closed not long ago, or nil.
func (c *Conversation) justClosed() *stream {
	if len(c.ended) == 0 {
		return nil
	}
	return c.ended[len(c.ended)-1-c.rng.IntN(min(len(c.ended), 20))]
}

func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// step adds a frame, or some that belong together.
func (c *Conversation) step() {
	d := Dir(c.rng.IntN(2))
	switch n := c.rng.IntN(30); {
	case n < 4:
		c.request()
	case n < 7:
		c.response()
	case n < 15:
		c.data(d)
	case n < 17:
		c.trailers(d)
	case n < 19:
		c.update(d, nil)
	case n < 22:
		c.update(d, c.pick(func(s *stream) bool { return !s.closed || c.rng.IntN(9) == 0 }))
	case n < 23:
		c.settings(d)
	case n < 25:
		c.acknowledge(d)
	case n < 26:
		c.turn(d)
		c.emit(ping, 0, 0, []byte("12345678"))
	case n < 27:
		c.turn(d)
		c.emit(priority, 0, c.next, append(u32(c.next+2), 9))
	case n < 28:
		c.reset(d)
	case n < 29 && c.opts.Plain:
	case n < 29:
		c.turn(d)
		c.emit(0x77, byte(c.rng.Uint32()), c.rng.Uint32N(9), c.noise(c.rng.IntN(40)))
	case c.opts.Illegal:
		c.illegal(d)
	case c.rng.IntN(200) == 0:
		c.leave()
	}
}
