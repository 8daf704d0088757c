// Package layout knows where golang.org/x/net/http2 keeps the flow-control windows
// and settings of a connection in memory, and where crypto/tls keeps what it has
// negotiated, its secrets and record numbers. These offsets differ between releases. A
// table is generated from the DWARF of programs built with each release, and a
// program that carries DWARF provides its own layout of HTTP/2.
//
// An offset of HTTP/2 is never believed alone. Either it leads to a pointer that must
// equal another one (Check), or it has a fixed distance from an offset that does (sound).
package layout

// Client holds the offsets of fields of a client connection, in bytes.
type Client struct {
	// In ClientConn. Flow and Inflow are the windows themselves; the windows of
	// streams point to FlowStruct.
	Size        uint16
	TLSConn     uint16 // the data pointer of tconn
	Mu          uint16
	Cond        uint16
	FlowStruct  uint16
	Flow        uint16
	Inflow      uint16
	WantAck     uint16 // wantSettingsAck
	Streams     uint16
	NextID      uint16 // nextStreamID
	Reader      uint16 // br
	MaxFrame    uint16 // maxFrameSize
	MaxStreams  uint16 // maxConcurrentStreams
	PeerTable   uint16 // peerMaxHeaderTableSize, 0 where there is none
	PeerInitial uint16 // initialWindowSize
	OwnInitial  uint16 // initialStreamRecvWindowSize, 0 where it is OwnWindow
	WriteMu     uint16 // wmu
	Writer      uint16 // bw
	Framer      uint16 // fr
	WriteErr    uint16 // werr

	// In stickyErrWriter: the data pointer of conn, and err.
	StickyConn uint16
	StickyErr  uint16

	// In Framer: the data pointer of w.
	FramerW uint16

	// In clientStream.
	StreamConn   uint16 // cc
	StreamID     uint16
	StreamFlow   uint16
	StreamInflow uint16
	SentEnd      uint16 // sentEndStream
	ReadClosed   uint16

	// OwnWindow is the INITIAL_WINDOW_SIZE that the client announces, where
	// it is a constant.
	OwnWindow uint32
	// ExactInflow says that Inflow equals what the peer was told. Before, the client
	// counted bytes twice that arrived for a stream it had abandoned.
	ExactInflow bool
	// Delta says that the flow of a stream is its distance from PeerInitial.
	Delta bool
}

// Sizes of the fields in between.
const (
	mutexSize   = 8
	pointerSize = 8
	timeSize    = 24
	flowSize    = 16 // of flow and outflow
)

// sound reports whether the offsets fit together: the fields have the same distances
// in every release from those that Check verifies.
func (l *Client) sound() bool {
	flow := l.Cond + pointerSize
	switch {
	case l.Cond != l.Mu+mutexSize || l.FlowStruct != flow:
		return false
	case l.Delta && (l.PeerInitial != flow || l.Flow != flow+4 || l.Inflow != flow+12 || !l.ExactInflow):
		return false
	case !l.Delta && (l.Flow != flow || l.Inflow != flow+flowSize):
		return false
	case !l.soundAck() || l.Streams != align(l.WantAck+1)+24: // goAway, goAwayDebug
		return false
	case l.NextID != l.Streams+16 || l.Reader != l.NextID+24: // pendingRequests, pings
		return false
	case l.MaxFrame != l.Reader+pointerSize+2*timeSize || l.MaxStreams != l.MaxFrame+4:
		return false
	}
	next := l.MaxStreams + 12 // peerMaxHeaderListSize
	for _, at := range []struct {
		field uint16
		kept  bool
	}{{l.PeerTable, l.PeerTable != 0}, {l.PeerInitial, !l.Delta}, {l.OwnInitial, l.OwnInitial != 0}} {
		if at.kept && at.field != next {
			return false
		}
		if at.kept {
			next += 4
		}
	}
	return l.Writer == l.WriteMu+mutexSize && l.Framer == l.Writer+pointerSize && l.WriteErr == l.Framer+pointerSize &&
		l.WriteErr+16 <= l.Size && l.Size <= maxSize && l.WriteMu >= next &&
		l.StickyErr == l.StickyConn+16 &&
		l.StreamInflow == l.StreamFlow+flowSize && l.SentEnd > l.StreamInflow &&
		(l.ReadClosed == l.SentEnd+5 || l.ReadClosed == l.SentEnd+6) &&
		(l.OwnInitial == 0) == (l.OwnWindow != 0)
}

// soundAck checks wantSettingsAck. It follows doNotReuse, closing, closed and
// seenSettings, or these, closedOnIdle and seenSettingsChan.
func (l *Client) soundAck() bool {
	end := l.Inflow + flowSize
	if l.ExactInflow {
		end = l.Inflow + 8
	}
	return l.WantAck == end+4 || l.WantAck == align(end+5)+pointerSize
}

// align rounds up to where a pointer can be.
func align(n uint16) uint16 { return (n + 7) &^ 7 }

// maxSize bounds Size.
const maxSize = 768
