package layout

import "encoding/binary"

// Place is where a connection was found, by a path that needs few of the offsets:
// from its Framer to what that reads from and writes to.
type Place struct {
	Owner  uint64 // the ClientConn or serverConn
	Framer uint64
	Reader uint64 // client: the bufio.Reader
	Writer uint64 // what the Framer writes to
	Sticky uint64 // the net.Conn: of a client below the Writer, of a server what the Framer reads from
	Locker uint64 // client: the lock of its sync.Cond
	Open   uint64 // server: the number of streams in its map
	Upload uint32 // server: MaxUploadBufferPerStream where Server.Upload has it
}

// State is the flow-control state and the settings of a connection.
type State struct {
	// Send and Recv are the windows of the connection. The process takes credit from
	// Send before it writes DATA, and adds to Recv before it writes WINDOW_UPDATE:
	// for a moment Send can be too small, and Recv too large.
	Send, Recv int64
	// RecvExact says that Recv otherwise equals what the peer was told.
	RecvExact bool

	PeerInitial  uint32 // INITIAL_WINDOW_SIZE of the peer
	OwnInitial   uint32 // and of the process
	OwnAcked     bool   // the peer has acknowledged it
	MaxFrame     uint32 // MAX_FRAME_SIZE of the peer
	MaxStreams   uint32 // MAX_CONCURRENT_STREAMS of the peer
	StreamsTable uint64 // the map of open streams
	NextID       uint32 // exceeds every stream id of the client so far
	NextPush     uint32 // the same for streams of the server
}

// Read decodes the memory of a ClientConn. It returns false when the memory does not
// match the layout.
func (l *Client) Read(image []byte, at Place) (State, bool) {
	if !l.sound() || len(image) < int(l.Size) {
		return State{}, false
	}
	u64 := func(off uint16) uint64 { return binary.LittleEndian.Uint64(image[off:]) }
	u32 := func(off uint16) uint32 { return binary.LittleEndian.Uint32(image[off:]) }
	pointers := u64(l.TLSConn) == at.Sticky && u64(l.Reader) == at.Reader && u64(l.Writer) == at.Writer &&
		u64(l.Framer) == at.Framer && at.Locker == at.Owner+uint64(l.Mu)
	if !pointers || u64(l.WriteErr) != 0 || image[l.WantAck] > 1 {
		return State{}, false
	}
	s := State{
		Send:         int64(int32(u32(l.Flow))),
		Recv:         int64(int32(u32(l.Inflow))),
		RecvExact:    l.ExactInflow,
		PeerInitial:  u32(l.PeerInitial),
		OwnInitial:   l.OwnWindow,
		OwnAcked:     image[l.WantAck] == 0,
		MaxFrame:     u32(l.MaxFrame),
		MaxStreams:   u32(l.MaxStreams),
		StreamsTable: u64(l.Streams),
		NextID:       u32(l.NextID),
	}
	if l.OwnInitial != 0 {
		s.OwnInitial = u32(l.OwnInitial)
	}
	return s, s.plausible()
}

// plausible checks the values against the limits of RFC 9113.
func (s *State) plausible() bool {
	return s.PeerInitial <= maxWindow && s.OwnInitial <= maxWindow && // §6.5.2
		s.MaxFrame >= 1<<14 && s.MaxFrame < 1<<24 && // §6.5.2
		s.NextID%2 == 1 && // §5.1.1
		s.Recv >= 0 && s.StreamsTable != 0
}

const maxWindow = 1<<31 - 1

// Stream is the state of an open stream in its connection.
type Stream struct {
	ID         uint32
	Send, Recv int64 // as in State
	RecvExact  bool  // as in State
	// SentEnd and RecvEnd say that END_STREAM was sent, and received.
	SentEnd, RecvEnd bool
}

// Sizes of the memory that ReadStream needs.
const (
	flowsSize = 32
	endsSize  = 16
)

// ReadStream decodes the memory of a clientStream: its cc and ID, and the memory from
// StreamFlow and from SentEnd on.
func (l *Client) ReadStream(conn uint64, id uint32, flows, ends []byte, at Place, s *State) (Stream, bool) {
	if len(flows) < flowsSize || len(ends) < endsSize {
		return Stream{}, false
	}
	behind := func(off int) uint64 { return binary.LittleEndian.Uint64(flows[off:]) }
	n := func(off int) int64 { return int64(int32(binary.LittleEndian.Uint32(flows[off:]))) }
	if conn != at.Owner || id%2 != 1 || id >= s.NextID || behind(8) != at.Owner+uint64(l.FlowStruct) {
		return Stream{}, false
	}
	if !l.ExactInflow && behind(flowSize+8) != at.Owner+uint64(l.Inflow) {
		return Stream{}, false
	}
	sent, begun, read := ends[0], ends[1], ends[l.ReadClosed-l.SentEnd] // sentHeaders follows sentEndStream
	if sent > 1 || begun != 1 || read > 1 {
		return Stream{}, false
	}
	st := Stream{ID: id, Send: n(0), Recv: n(flowSize), RecvExact: true, SentEnd: sent == 1, RecvEnd: read == 1}
	if l.Delta {
		st.Send += int64(s.PeerInitial)
	}
	return st, true
}
