package tcp

import "h2trace/decoder/ktime"

const (
	// maxAhead is how far ahead a segment may be and still belong to its stream. A receive
	// window is at most 1 GiB (RFC 7323 §2.3).
	maxAhead = 1 << 30
	// maxReset is how far after the last byte that was captured a RST may be. One that is
	// farther ends no connection (RFC 9293 §3.10.7.4).
	maxReset = 1 << 20
)

// Numbers follows the sequence numbers of one direction of a connection in a capture, which
// may lack any of its packets. The zero value is ready to use.
type Numbers struct {
	begun  bool
	finned bool
	first  uint32 // sequence number of offset 0
	reach  uint64
	acked  uint64 // the highest offset that the peer has acknowledged, see GoesOn
	most   uint64 // the highest that it ever did
	fin    uint64 // offset of the FIN, if finned
	ended  ktime.Time
}

// Begin takes the sequence number of the first byte, or of the first segment that was
// captured. Later calls do nothing.
func (n *Numbers) Begin(seq uint32) {
	if !n.begun {
		n.begun, n.first = true, seq
	}
}

// Begun reports whether a number of the direction is known.
func (n *Numbers) Begun() bool { return n.begun }

// First returns the sequence number of offset 0.
func (n *Numbers) First() uint32 { return n.first }

// Place returns the offset of a sequence number. It reports whether that belongs to the
// stream.
func (n *Numbers) Place(seq uint32) (uint64, bool) {
	at := Offset(seq, n.first, n.reach)
	if at < 0 || at > int64(n.reach)+maxAhead {
		return 0, false
	}
	return uint64(at), true
}

// Sent takes that bytes before an offset were sent.
func (n *Numbers) Sent(to uint64) { n.reach = max(n.reach, to) }

// Reach returns the offset after the highest byte so far.
func (n *Numbers) Reach() uint64 { return n.reach }

// Acknowledge takes an acknowledgment number of the peer.
func (n *Numbers) Acknowledge(ack uint32) {
	n.Begin(ack)
	if at, ok := n.Place(ack); ok {
		n.acked, n.most = max(n.acked, at), max(n.most, at)
	}
}

// GoesOn takes that the bytes sent so far came in order. The peer has no more than these, if it
// acknowledged more: the next acknowledgment says it again.
func (n *Numbers) GoesOn() { n.acked = min(n.acked, n.reach) }

// Acked returns the offset up to which the peer has acknowledged bytes.
func (n *Numbers) Acked() uint64 {
	switch {
	case n.finned:
		return min(n.acked, n.fin)
	case n.acked == n.reach+1: // that may be its FIN
		return n.reach
	}
	return n.acked
}

// Needed is Acked, but for the last byte if that may be the FIN: up to which offset the peer
// has certainly had bytes, see Segment.Acked.
func (n *Numbers) Needed() uint64 {
	if to := n.Acked(); to <= n.reach || n.finned {
		return to
	}
	return n.acked - 1
}

// Rebase makes an offset the first one.
func (n *Numbers) Rebase(to uint64) {
	n.first += uint32(to)
	n.reach -= min(to, n.reach)
	n.acked -= min(to, n.acked)
	n.most -= min(to, n.most)
	n.fin -= min(to, n.fin)
}

// Rest returns the offset up to which bytes may still come of a connection that has ended.
func (n *Numbers) Rest() uint64 {
	if n.finned {
		return n.fin
	}
	return max(n.reach, n.most)
}

// FIN takes a FIN at an offset. The first end counts.
func (n *Numbers) FIN(at ktime.Time, offset uint64) {
	n.end(at)
	n.fin, n.finned = offset, true
}

// Reset takes a RST at an offset. It reports whether that ends the connection.
func (n *Numbers) Reset(at ktime.Time, offset uint64) bool {
	if offset > max(n.reach, n.acked)+maxReset {
		return false
	}
	n.end(at)
	return true
}

func (n *Numbers) end(at ktime.Time) {
	if n.ended == 0 {
		n.ended = max(at, 1)
	}
}

// Ended returns when a FIN or RST came, 0 before.
func (n *Numbers) Ended() ktime.Time { return n.ended }

// End returns the offset of the FIN, 0 before.
func (n *Numbers) End() uint64 { return n.fin }

// Another reports whether a segment belongs to another connection with the same ports than
// the direction that it seems to be in: a SYN, or, after the end of the connection, payload
// that has no place in it.
func (n *Numbers) Another(seq uint32, length int, syn, ack, over bool) bool {
	switch {
	case syn && !ack:
		return over || n.begun && n.first != seq+1
	case syn: // the one that it answers may not be in the capture
		return n.begun && n.first != seq+1
	}
	_, ok := n.Place(seq)
	return over && length > 0 && n.begun && !ok
}
