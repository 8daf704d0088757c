package flow

import (
	"time"

	"h2trace/decoder"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
)

const (
	// maxAhead is how far ahead a segment may be and still belong to its stream. A receive
	// window is at most 1 GiB (RFC 7323 §2.3).
	maxAhead = 1 << 30
	// ackGrace is how long after an acknowledgment the bytes that it is for may come: two
	// CPUs may have captured them.
	ackGrace = 50 * time.Millisecond
)

// half is one direction of a connection, and the tcp.Sink of its bytes.
type half struct {
	conn   *Conn
	dir    decoder.Direction
	begun  bool
	first  uint32     // sequence number of offset 0
	reach  uint64     // offset after the highest byte so far
	acked  uint64     // the highest offset that the peer has acknowledged
	owed   ktime.Time // since when bytes are acknowledged that did not come, 0 if there are none
	stream tcp.Stream
	ended  ktime.Time // of its FIN or RST, 0 before
	fin    uint64     // offset of the FIN

	delivered uint64 // bytes, missing ones included
	waiting   []part
	held      int // their cost
}

// begin takes the first sequence number.
func (h *half) begin(seq uint32) {
	if !h.begun {
		h.begun, h.first = true, seq
	}
}

// place returns the offset of a sequence number. It reports whether that belongs to the
// stream.
func (h *half) place(seq uint32) (uint64, bool) {
	at := tcp.Offset(seq, h.first, h.reach)
	return uint64(max(at, 0)), at >= 0 && at <= int64(h.reach)+maxAhead
}

// acknowledge takes what the peer says it has received.
func (h *half) acknowledge(ack uint32) {
	if at, ok := h.place(ack); ok {
		h.acked = max(h.acked, at)
	}
}

// take takes a segment.
func (h *half) take(at ktime.Time, offset uint64, s *capture.Segment) {
	if s.Length == 0 {
		return
	}
	h.reach = max(h.reach, offset+uint64(s.Length))
	budget := h.conn.table.segments
	h.stream.Segment(at, offset, s.Payload, false, budget, h)
	h.stream.Pass(at, offset+uint64(len(s.Payload)), uint64(s.Length-len(s.Payload)), false, budget, h)
}

// ackedBytes returns up to where the peer has acknowledged bytes.
func (h *half) ackedBytes() uint64 {
	switch {
	case h.ended != 0 && h.fin != 0:
		return min(h.acked, h.fin)
	case h.acked == h.reach+1: // that may be its FIN
		return h.reach
	}
	return h.acked
}

// giveUp gives up on bytes that the peer has, and that do not come.
func (h *half) giveUp(at ktime.Time) {
	acked := h.ackedBytes()
	switch {
	case acked <= h.stream.Next():
		h.owed = 0
	case h.owed == 0 || h.owed > at:
		h.owed = at
	case h.owed.Add(ackGrace) < at:
		since := h.owed
		h.owed, h.reach = 0, max(h.reach, acked)
		h.stream.GiveUp(since, acked, h.conn.table.segments, h)
	}
}

// finished reports whether all bytes of a direction came.
func (h *half) finished() bool { return h.ended != 0 && h.stream.Next() >= h.fin }

// flush takes that no more segments come.
func (h *half) flush(at ktime.Time) {
	budget := h.conn.table.segments
	if h.owed != 0 {
		at = h.owed
	}
	h.stream.GiveUp(at, max(h.ackedBytes(), h.fin), budget, h)
	h.stream.Flush(at, budget, h)
}

// Data implements tcp.Sink.
func (h *half) Data(at ktime.Time, b []byte) { h.conn.offer(h, part{at: at, b: b}) }

// Missing implements tcp.Sink.
func (h *half) Missing(at ktime.Time, n uint64, why tcp.Cause) {
	h.conn.offer(h, part{at: at, missing: n, why: why})
}
