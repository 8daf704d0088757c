package layout

import "encoding/binary"

// Server holds the offsets of fields of a server connection, in bytes.
type Server struct {
	// In serverConn, in their order. A field that a release lacks is 0. Flow and
	// Inflow are the windows themselves.
	Size        uint16
	Conn        uint16 // the data pointer of conn
	Writer      uint16 // bw
	Framer      uint16
	PeerInitial uint16 // initialStreamSendWindowSize; with Delta flow.initial
	Flow        uint16
	Inflow      uint16
	CountError  uint16 // countErrorFunc, not in every release
	Unacked     uint16 // unackedSettings
	TableSize   uint16 // pendingEncoderTableSize, not in every release
	Queued      uint16 // queuedControlFrames
	CurStreams  uint16 // curClientStreams, before curPushedStreams
	CurHandlers uint16 // not in every release
	MaxID       uint16 // maxClientStreamID, before maxPushPromiseID
	Streams     uint16
	Unstarted   uint16 // unstartedHandlers, not in every release
	OwnInitial  uint16 // initialStreamRecvWindowSize, 0 where Upload has it
	MaxFrame    uint16 // maxFrameSize
	OldTable    uint16 // headerTableSize, not in every release
	KeysSize    uint16 // canonHeaderKeysSize, not in every release
	Writing     uint16 // writingFrame, the first of the flags of its writer

	// In Framer: the data pointer of w.
	FramerW uint16

	// In Server: MaxUploadBufferPerStream, where OwnInitial is 0.
	Upload uint16

	// In stream.
	StreamConn   uint16 // sc
	StreamID     uint16
	StreamFlow   uint16
	StreamInflow uint16
	StreamState  uint16 // before resetQueued

	// ShortInflow says that an inflow is two numbers, not a flow.
	ShortInflow bool
	// ExactInflow says that Inflow equals what the peer was told. Before, the server
	// did not count bytes beyond the declared length of a body.
	ExactInflow bool
	// Delta says that the flow of a stream is its distance from PeerInitial.
	Delta bool
}

// flowStruct returns the offset of the flow that those of streams point to: six
// channels lie between it and the framer.
func (l *Server) flowStruct() uint16 { return l.Framer + pointerSize + 6*pointerSize }

// cursor walks a struct in the order of the compiler, and detects offsets that do not
// fit.
type cursor struct {
	at    uint16
	wrong bool
}

func (c *cursor) skip(size, alignment uint16) {
	c.at = (c.at+alignment-1)&^(alignment-1) + size
}

func (c *cursor) field(offset, size, alignment uint16) {
	c.skip(size, alignment)
	c.wrong = c.wrong || offset != c.at-size
}

// maybe checks a field that some releases lack.
func (c *cursor) maybe(offset, size, alignment uint16) {
	if offset != 0 {
		c.field(offset, size, alignment)
	}
}

// sound reports whether the offsets fit together.
func (l *Server) sound() bool {
	c := cursor{at: l.Conn}
	c.field(l.Conn, pointerSize, 8)
	c.field(l.Writer, pointerSize, 8)
	c.skip(4*pointerSize, 8) // handler, baseCtx
	c.field(l.Framer, pointerSize, 8)
	c.skip(6*pointerSize, 8) // channels
	if l.Delta {
		c.field(l.PeerInitial, 4, 8)
		c.field(l.Flow, 4, 4)
		c.skip(4, 4) // flowErr
	} else {
		c.field(l.Flow, flowSize, 8)
	}
	if l.ShortInflow {
		c.field(l.Inflow, 8, 4)
	} else {
		c.field(l.Inflow, flowSize, 8)
	}
	c.skip(5*pointerSize, 8) // tlsState, remoteAddrStr, writeSched
	c.maybe(l.CountError, pointerSize, 8)
	c.skip(8, 8) // serveG
	c.skip(3, 1) // pushEnabled and others
	c.field(l.Unacked, 8, 8)
	c.maybe(l.TableSize, 12, 8) // and encoderTableSizeMin, encoderTableSize
	c.field(l.Queued, 8, 8)
	c.skip(8, 4) // clientMaxStreams, advMaxStreams
	c.field(l.CurStreams, 8, 4)
	c.maybe(l.CurHandlers, 4, 4)
	c.field(l.MaxID, 8, 4)
	c.field(l.Streams, pointerSize, 8)
	c.maybe(l.Unstarted, 3*pointerSize, 8)
	return !c.wrong && l.soundEnd(c) && l.soundStream()
}

// soundEnd checks the fields after the streams.
func (l *Server) soundEnd(c cursor) bool {
	if !l.Delta {
		c.field(l.PeerInitial, 4, 4)
	}
	c.maybe(l.OwnInitial, 4, 4)
	c.field(l.MaxFrame, 4, 4)
	c.maybe(l.OldTable, 4, 4)
	c.skip(4, 4)           // peerMaxHeaderListSize
	c.skip(pointerSize, 8) // canonHeader
	c.maybe(l.KeysSize, 8, 8)
	c.field(l.Writing, writingSize, 1)
	return !c.wrong && c.at <= l.Size && l.Size <= maxSize && (l.OwnInitial == 0) == (l.Upload != 0)
}

// soundStream checks the fields of a stream.
func (l *Server) soundStream() bool {
	c := cursor{at: l.StreamFlow}
	c.field(l.StreamFlow, flowSize, 8)
	if l.ShortInflow {
		c.field(l.StreamInflow, 8, 4)
	} else {
		c.field(l.StreamInflow, flowSize, 8)
	}
	c.field(l.StreamState, 8, 8)
	return !c.wrong && l.StreamID == l.StreamConn+pointerSize && l.StreamFlow > l.StreamID
}

// writingSize is how many flags the writer has: writingFrame, writingFrameAsync,
// needsFrameFlush, inGoAway, inFrameScheduleLoop and needToSendGoAway.
const writingSize = 6

// Read decodes the memory of a serverConn, as its own goroutine left it. It returns
// false when the memory does not match the layout, or when something is being
// written.
func (l *Server) Read(image []byte, at Place) (State, bool) {
	if !l.sound() || len(image) < int(l.Size) {
		return State{}, false
	}
	u64 := func(off uint16) uint64 { return binary.LittleEndian.Uint64(image[off:]) }
	u32 := func(off uint16) uint32 { return binary.LittleEndian.Uint32(image[off:]) }
	pointers := u64(l.Conn) == at.Sticky && u64(l.Writer) == at.Writer && u64(l.Framer) == at.Framer
	streams := uint64(u32(l.CurStreams)) + uint64(u32(l.CurStreams+4))
	if !pointers || streams != at.Open || u64(l.Queued) != 0 {
		return State{}, false
	}
	for _, flag := range image[l.Writing:][:writingSize] {
		if flag != 0 {
			return State{}, false
		}
	}
	s := State{
		Send:         int64(int32(u32(l.Flow))),
		Recv:         int64(int32(u32(l.Inflow))),
		RecvExact:    l.ExactInflow,
		PeerInitial:  u32(l.PeerInitial),
		OwnInitial:   at.Upload,
		OwnAcked:     u64(l.Unacked) == 0,
		MaxFrame:     u32(l.MaxFrame),
		MaxStreams:   u32(l.CurStreams - 8),
		StreamsTable: u64(l.Streams),
		NextID:       u32(l.MaxID) + 2 - 1&^u32(l.MaxID),
		NextPush:     u32(l.MaxID+4) + 2,
	}
	if l.OwnInitial != 0 {
		s.OwnInitial = u32(l.OwnInitial)
	} else if int32(at.Upload) <= 0 {
		s.OwnInitial = defaultUpload
	}
	return s, s.plausible() && s.NextPush%2 == 0
}

// defaultUpload is the default of a Server without MaxUploadBufferPerStream.
const defaultUpload = 1 << 20

// The states of an open stream.
const (
	stateOpen             = 1
	stateHalfClosedLocal  = 2
	stateHalfClosedRemote = 3
)

// ReadStream decodes the memory of a stream: its sc, id and body, which are
// consecutive, and the memory from StreamFlow and from StreamState on.
func (l *Server) ReadStream(conn uint64, id uint32, body uint64, flows, ends []byte, at Place, s *State) (Stream, bool) {
	if len(flows) < flowsSize || len(ends) < endsSize || conn != at.Owner || !s.numbered(id) {
		return Stream{}, false
	}
	behind := func(off int) uint64 { return binary.LittleEndian.Uint64(flows[off:]) }
	n := func(off int) int64 { return int64(int32(binary.LittleEndian.Uint32(flows[off:]))) }
	if behind(8) != at.Owner+uint64(l.flowStruct()) ||
		!l.ShortInflow && behind(flowSize+8) != at.Owner+uint64(l.Inflow) {
		return Stream{}, false
	}
	state, resetQueued := binary.LittleEndian.Uint64(ends), ends[8]
	if state < stateOpen || state > stateHalfClosedRemote || resetQueued != 0 {
		return Stream{}, false
	}
	st := Stream{
		ID: id, Send: n(0), Recv: n(flowSize),
		SentEnd: state == stateHalfClosedLocal, RecvEnd: state == stateHalfClosedRemote,
	}
	if l.Delta {
		st.Send += int64(s.PeerInitial)
	}
	// A WINDOW_UPDATE waits after DATA of its stream that has no credit. Without a
	// body there is none.
	st.RecvExact = body == 0 || min(st.Send, s.Send) > 0
	return st, true
}

// numbered reports whether a stream can have an identifier.
func (s *State) numbered(id uint32) bool {
	if id%2 == 0 {
		return id != 0 && id < s.NextPush
	}
	return id < s.NextID
}
