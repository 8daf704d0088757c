package decoder

import "math"

// mode is what a direction does with its next bytes.
type mode uint8

const (
	starting  mode = iota // the protocol is not decided
	prefacing             // HTTP/2, but the client's preface is not complete
	framing               // in step with the frames
	searching             // frame boundaries are unknown
	ignoring              // not HTTP/2
	answering             // HTTP/1.x to a client that speaks HTTP/2
	passing               // HTTP/1.x, which is for a ByteSink
	judging               // HTTP/1.x or HTTP/2, to a client that speaks HTTP/1.x
)

// half decodes one direction of a connection.
type half struct {
	conn *Conn
	dir  Direction
	mode mode

	// The frame being read.
	header    [frameHeaderLen]byte
	gathered  int // bytes of header
	frame     frameHeader
	inPayload bool
	left      int64 // bytes of the payload still to come
	payload   []byte
	truncated bool // bytes of the payload were lost
	hole      bool // payload or body has ended before bytes not seen
	cut       bool // the connection has ended before the payload, of which
	missing   uint32
	// crowdedOut says that the payload was let go of for the bound on all connections.
	crowdedOut bool
	body       bodyReader

	block block
	table fieldTable
	// snapshots are tables recovered for blocks to come; claim is what the
	// block of one that was taken must prove.
	snapshots snapshots
	claim     claim

	first    bool // no frame was seen since the preface
	found    bool // frame boundaries were known at some time
	resynced bool // no frame was seen since boundaries were found
	// probation counts down after a search: a header that makes no sense
	// then means that the boundaries were wrong.
	probation int

	// at is the place behind the last byte that was taken, held ones included,
	// and since where the frames began that are in step.
	at, since int64

	held    held
	search  search
	charged int64 // to the Budget
	frames  int64
	bytes   int64
}

// frameHeader is RFC 9113 §4.1.
type frameHeader struct {
	length uint32
	typ    Type
	flags  Flags
	stream uint32
}

func parseHeader(b []byte) frameHeader {
	return frameHeader{
		length: uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		typ:    Type(b[3]),
		flags:  Flags(b[4]),
		stream: streamID(b[5:]),
	}
}

// feed takes the next bytes of the direction.
func (h *half) feed(at int64, b []byte) {
	switch h.mode {
	case framing:
		if rest := h.read(at, b); rest != nil {
			h.scan(at, rest)
		}
	case searching:
		h.scan(at, b)
	case answering:
		h.answer(at, b)
	case judging:
		h.judge(at, b)
	case passing:
		h.conn.bytes.Bytes(at, h.dir, b)
	case starting, prefacing:
		h.hold(at, b)
		h.conn.detect(at, h)
	}
}

// read reads frames. It returns the bytes from where the frames stopped making
// sense, on a direction whose boundaries were found by searching.
func (h *half) read(at int64, b []byte) []byte {
	for len(b) > 0 {
		if !h.inPayload {
			n := copy(h.header[h.gathered:], b)
			h.gathered += n
			h.at += int64(n)
			b = b[n:]
			if h.gathered < frameHeaderLen {
				return nil
			}
			if h.answersHTTP1() {
				h.mode = answering
				return h.unframe(b)
			}
			if h.probation > 0 {
				if !h.probe() {
					return h.unread(b)
				}
				h.probation--
			}
			h.begin()
		}
		n := int(min(h.left, int64(len(b))))
		whole := h.gather(b[:n])
		b = b[n:]
		if h.left == 0 {
			h.finish(at, whole)
		}
	}
	return nil
}

// begin starts the frame whose header is complete.
func (h *half) begin() {
	h.frame = parseHeader(h.header[:])
	h.gathered = 0
	h.inPayload = true
	h.left = int64(h.frame.length)
	h.payload = h.payload[:0]
	h.truncated, h.hole, h.crowdedOut = false, false, false
	if h.frame.typ == TypeData {
		h.body.begin(h.frame, h.conn.cfg.BodyBytes)
	}
}

// gather takes payload bytes. It returns the payload when p is the whole of
// it, so that most frames are read where they lie; else it copies.
func (h *half) gather(p []byte) []byte {
	h.left -= int64(len(p))
	h.at += int64(len(p))
	if h.frame.typ == TypeData {
		h.body.read(p)
		return nil
	}
	if h.left == 0 && len(p) == int(h.frame.length) && len(p) <= h.longestPayload() {
		return p
	}
	if h.hole {
		return nil
	}
	if room := h.longestPayload() - len(h.payload); len(p) > room {
		p, h.hole, h.truncated = p[:room], true, true
	}
	h.payload = append(h.payload, p...)
	return nil
}

// longestPayload is how much is kept of the payload of the frame.
func (h *half) longestPayload() int {
	switch h.frame.typ {
	case TypeHeaders, TypePushPromise, TypeContinuation:
		if limit, known := h.conn.announced[h.dir.other()].most(SettingMaxFrameSize); known {
			return max(maxPayload, int(limit))
		}
		return maxMaxFrameSize
	}
	return maxPayload
}

// miss accounts for payload bytes that were not seen. lost says that they were
// not left out on purpose.
func (h *half) miss(n int64, lost bool) {
	h.left -= n
	h.at += n
	h.hole = true
	h.truncated = h.truncated || lost
	if h.frame.typ == TypeData {
		h.body.miss(n)
	}
}

// skip takes n bytes that were left out on purpose, and returns how many of
// them were not payload of a DATA frame.
func (h *half) skip(at, n int64) int64 {
	if h.mode != framing || !h.inPayload || h.frame.typ != TypeData {
		return n
	}
	k := min(n, h.left)
	h.miss(k, false)
	if h.left == 0 {
		h.finish(at, nil)
	}
	return n - k
}

// gap takes a loss of n bytes, or of an unknown number when n is negative.
// Framing stays in step when the loss ends in a payload of known length.
func (h *half) gap(at, n int64) {
	h.snapshots.lose(h.at, n)
	switch h.mode {
	case ignoring:
		return
	case answering:
		h.endAnswer(at)
		return
	case judging, passing:
		h.handOn()
		h.conn.bytes.Gap(at, h.dir, n)
		return
	case starting, prefacing:
		h.conn.startLost(at, h)
	}
	if h.mode == searching {
		if h.settle(at); h.mode == searching {
			h.restart()
		}
	}
	if h.mode != framing {
		h.pass(n)
		return
	}
	rest := n
	if h.inPayload {
		k := h.left
		if n >= 0 {
			k = min(n, h.left)
			rest = n - k
		}
		h.miss(k, true)
		if h.left == 0 {
			h.finish(at, nil)
		}
		if rest == 0 {
			return
		}
	}
	if n >= 0 {
		h.pass(rest)
	} else {
		h.pass(n)
	}
	h.lose(beforeLoss)
}

// pass moves the place on by n bytes that were lost. One that is not known is
// no place that anything speaks of.
func (h *half) pass(n int64) {
	if h.at += n; n < 0 {
		h.at = math.MinInt64 / 2
	}
}

// hold keeps bytes that cannot be decoded yet.
func (h *half) hold(at int64, b []byte) {
	h.held.add(at, b)
	h.at += int64(len(b))
}

// unhold gives back what is held, to be taken again from off on.
func (h *half) unhold(off int64) held {
	q := h.held
	h.held = held{}
	h.at -= q.end() - off
	return q
}

// lose gives up the frame boundaries and all that the lost bytes may have
// changed; reason is what header table entries are unknown for.
func (h *half) lose(reason string) {
	h.mode = searching
	h.gathered, h.inPayload = 0, false
	h.payload = nil
	h.block = block{}
	h.first = false
	h.table.reset(reason)
	h.snapshots.due, h.claim = nil, claim{}
	h.search = search{bonus: true}
	h.held = held{}
	h.conn.lost(h.dir)
}

// finish completes the frame. whole is its payload when that was seen in one
// piece.
func (h *half) finish(at int64, whole []byte) {
	payload := whole
	if payload == nil {
		payload = h.payload
	}
	h.inPayload = false
	if len(h.snapshots.due) > 0 {
		h.recognise(payload)
	}
	h.conn.frame(at, h, payload)
	h.frames++
	h.first, h.resynced = false, h.resynced && h.frame.typ == TypeContinuation && !h.frame.flags.Has(FlagEndHeaders)
	if cap(h.payload) > keepBuffer {
		h.payload = nil
	}
}

// end emits the frame that the connection's end cut short.
func (h *half) end(at int64) {
	if h.mode == starting && !h.conn.fromStart && len(h.held.buf) > 0 {
		h.conn.startLost(at, h)
	}
	if h.mode == searching {
		h.settle(at)
	}
	switch h.mode {
	case answering:
		h.endAnswer(at)
	case judging:
		h.handOn()
	}
	if h.mode == framing && h.inPayload {
		h.cut, h.missing = true, uint32(h.left)
		h.miss(h.left, true)
		h.finish(at, nil)
	}
}
