// Package flowmodel computes the flow-control windows of one HTTP/2 connection
// from the rules of RFC 9113 §5.2 and §6.9 alone, for comparison with h2trace's
// output. It takes frames in one order, and trusts that order:
//
//   - DATA counts with its padding (§6.9.1), also on streams that are closed;
//   - the peer's SETTINGS apply when the process reads them, its own when it
//     reads the peer's ACK (§6.5.3);
//   - a change of INITIAL_WINDOW_SIZE moves every open stream and never the
//     connection (§6.9.2);
//   - a stream's windows exist from the frame that opens it up to and with the
//     frame that closes it. HEADERS and its CONTINUATIONs count as one frame
//     (§6.2), so END_STREAM takes effect with END_HEADERS.
package flowmodel

import (
	"maps"
	"slices"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// initialWindow is the size of every window before SETTINGS (RFC 9113 §6.9.2).
const initialWindow = 65535

// Window is the credit left after a frame. StreamKnown is false for stream 0 and for
// streams that are not open; then Stream is meaningless.
type Window struct {
	ConnSend, ConnRecv     int64
	StreamSend, StreamRecv int64
	StreamKnown            bool
}

// Model is one connection, seen by one of its two processes.
type Model struct {
	connSend, connRecv int64
	// initialSend and initialRecv are the INITIAL_WINDOW_SIZE in force for DATA of
	// the process and of its peer.
	initialSend, initialRecv int64
	unacked                  [][]wire.Setting // own SETTINGS, oldest first
	streams                  map[uint32]*stream
	last                     map[uint32]State
	changes                  int       // of an INITIAL_WINDOW_SIZE, so far
	highest                  [2]uint32 // stream ids opened so far: even, odd
	endOfBlock               bool      // END_STREAM of an unfinished field block
}

type stream struct {
	send, recv       int64
	sentEnd, recvEnd bool
}

// New returns the model of a connection before its first frame.
func New() *Model {
	return &Model{
		connSend: initialWindow, connRecv: initialWindow,
		initialSend: initialWindow, initialRecv: initialWindow,
		streams: make(map[uint32]*stream),
		last:    make(map[uint32]State),
	}
}

// Frame accounts for the next frame and returns the windows after it.
func (m *Model) Frame(dir wire.Dir, f *wire.Frame) Window {
	s := m.streams[f.Stream]
	switch f.Type {
	case wire.Headers:
		if s == nil && m.opens(f.Stream) {
			s = &stream{send: m.initialSend, recv: m.initialRecv}
			m.streams[f.Stream] = s
		}
	case wire.Data:
		m.data(dir, s, int64(f.Length))
	case wire.Settings:
		m.settings(dir, f)
	case wire.WindowUpdate:
		m.update(dir, f.Stream, s, int64(f.Increment))
	}

	w := Window{ConnSend: m.connSend, ConnRecv: m.connRecv}
	if s != nil {
		w.StreamSend, w.StreamRecv, w.StreamKnown = s.send, s.recv, true
		state := State{w, m.last[f.Stream].Frames, m.changes}
		state.Frames[dir]++
		m.last[f.Stream] = state
		if m.closes(dir, f, s) {
			delete(m.streams, f.Stream)
		}
	}
	return w
}

// opens reports whether HEADERS on an unknown stream open it: ids only grow
// (RFC 9113 §5.1.1), so a lower one is closed already.
func (m *Model) opens(id uint32) bool {
	if id <= m.highest[id%2] {
		return false
	}
	m.highest[id%2] = id
	return true
}

// closes notes the end of one side and reports whether f closes the stream.
func (m *Model) closes(dir wire.Dir, f *wire.Frame, s *stream) bool {
	end := false
	switch f.Type {
	case wire.RSTStream:
		return true
	case wire.Data:
		end = f.Has(wire.FlagEndStream)
	case wire.Headers:
		end = f.Has(wire.FlagEndStream)
		if end && !f.EndsBlock() {
			m.endOfBlock, end = true, false
		}
	case wire.Continuation:
		if f.EndsBlock() {
			end, m.endOfBlock = m.endOfBlock, false
		}
	}
	if end && dir == wire.Send {
		s.sentEnd = true
	} else if end {
		s.recvEnd = true
	}
	return s.sentEnd && s.recvEnd
}

func (m *Model) data(dir wire.Dir, s *stream, n int64) {
	if dir == wire.Send {
		m.connSend -= n
	} else {
		m.connRecv -= n
	}
	if s == nil {
		return
	}
	if dir == wire.Send {
		s.send -= n
	} else {
		s.recv -= n
	}
}

// update gives credit to the side that receives the WINDOW_UPDATE.
func (m *Model) update(dir wire.Dir, id uint32, s *stream, n int64) {
	switch {
	case id == 0 && dir == wire.Send:
		m.connRecv += n
	case id == 0:
		m.connSend += n
	case s == nil:
	case dir == wire.Send:
		s.recv += n
	default:
		s.send += n
	}
}

func (m *Model) settings(dir wire.Dir, f *wire.Frame) {
	ack := f.Has(wire.FlagAck)
	switch {
	case dir == wire.Send && !ack:
		m.unacked = append(m.unacked, f.Settings)
	case dir == wire.Recv && ack && len(m.unacked) > 0:
		m.apply(m.unacked[0], &m.initialRecv, func(s *stream) *int64 { return &s.recv })
		m.unacked = m.unacked[1:]
	case dir == wire.Recv && !ack:
		m.apply(f.Settings, &m.initialSend, func(s *stream) *int64 { return &s.send })
	}
}

// apply processes the parameters in their order (RFC 9113 §6.5.3).
func (m *Model) apply(list []wire.Setting, initial *int64, side func(*stream) *int64) {
	for _, p := range list {
		if p.ID != wire.SettingInitialWindowSize {
			continue
		}
		for _, s := range m.streams {
			*side(s) += int64(p.Value) - *initial
		}
		*initial = int64(p.Value)
		m.changes++
	}
}

// Conn returns the credit left on the connection.
func (m *Model) Conn() (send, recv int64) { return m.connSend, m.connRecv }

// State is a stream after its last frame while it was open. Two orders of the same
// frames that keep each direction agree on Window if they agree on the rest.
type State struct {
	Window  Window
	Frames  [2]int // on the stream by direction, up to the one that closed it
	Changes int    // of an INITIAL_WINDOW_SIZE on the connection until then
}

// Last returns the final state of a stream, if it was ever open.
func (m *Model) Last(id uint32) (State, bool) {
	s, ok := m.last[id]
	return s, ok
}

// Streams returns the ids of all streams that were ever open, in no order.
func (m *Model) Streams() []uint32 { return slices.Collect(maps.Keys(m.last)) }
