package decoder

import (
	"math"

	"h2trace/decoder/ktime"
)

// mode says how a direction takes its next bytes.
type mode uint8

const (
	starting  mode = iota // the protocol is undecided
	prefacing             // HTTP/2, inside the client's preface
	framing               // in step with the frames
	searching             // frame boundaries are unknown
	ignoring              // not HTTP/2
	answering             // HTTP/1.x to a client that speaks HTTP/2
	passing               // HTTP/1.x, for a ByteSink
	judging               // HTTP/1.x or HTTP/2, to a client that speaks HTTP/1.x
)

// side is one direction of a connection. It finds frame boundaries, splits the bytes into
// frames and decodes field blocks. It does not know the Conn that drives it: next returns
// an event.
type side struct {
	dir    Direction
	mode   mode
	framer framer

	blocks fieldBlocks

	first    bool // no frame since the preface
	found    bool // frame boundaries were known at some time
	resynced bool // no frame since boundaries were found
	// probation counts down after a search or GapAtMost. Until then, an implausible
	// header means that the boundaries were wrong.
	probation int

	// at is the place after the last byte taken, held bytes included. since is the
	// place from which on the frames are in step.
	at, since int64

	intake     intake
	held       held
	search     search
	boundaries boundaries // with found
	untried    bool       // some held bytes were not searched
	charged    int64      // to the Budget
	frames     int64
	bytes      int64
}

// event is the result of taking bytes of a direction.
type event uint8

const (
	dry      event = iota // all bytes are taken
	framed                // a frame is complete
	found                 // frame boundaries are found, see side.boundaries
	lost                  // the frame boundaries were wrong
	givenUp               // the first maxSearch bytes hold no frames
	answered              // the status line of HTTP/1.x is complete
)

// give adds bytes, which must be taken before the caller's call returns.
func (h *side) give(at ktime.Time, b []byte) { h.intake.now, h.intake.b = at, b }

// more reports whether bytes are left for next.
func (h *side) more() bool {
	if len(h.intake.b) > 0 || h.intake.replays() {
		return true
	}
	h.intake.b = nil
	return h.untried && h.mode == searching
}

// next takes bytes until an event.
func (h *side) next(p plausible) event {
	for h.more() {
		if h.untried && h.mode == searching && !h.intake.replays() {
			if e := h.seek(p); e != dry {
				return e
			}
			continue
		}
		in := &h.intake
		b := in.b
		if in.replays() {
			b = h.piece()
		} else {
			in.time, in.old = in.now, false
		}
		n, e := h.take(b, p)
		in.advance(n)
		if e != dry {
			return e
		}
	}
	return dry
}

// take takes the first n bytes of b.
func (h *side) take(b []byte, p plausible) (n int, e event) {
	switch h.mode {
	case framing:
		return h.read(b, p)
	case searching:
		if h.intake.replays() {
			h.hold(h.intake.time, b)
			return len(b), dry
		}
		return h.gather(b, p)
	case answering:
		return len(b), h.answer(b)
	}
	return len(b), dry
}

// read takes bytes of one frame.
func (h *side) read(b []byte, p plausible) (n int, e event) {
	r := &h.framer
	if !r.inPayload {
		n = r.readHeader(b)
		h.at += int64(n)
		switch {
		case !r.headed():
			return n, dry
		case h.first && p.sender == Server && answersHTTP1(r.header[:]):
			h.mode = answering
			h.unframe()
			return n, h.answer(r.header[:])
		case h.probation > 0 && !h.fits(p):
			h.unread()
			return n, lost
		}
		h.probation = max(0, h.probation-1)
		r.begin()
	}
	k := r.readPayload(b[n:], p.longestPayload(r.frame.typ))
	h.at += int64(k)
	if r.complete() {
		return n + k, framed
	}
	return n + k, dry
}

// unframe returns the bytes of the supposed frame header.
func (h *side) unframe() {
	h.framer.gathered = 0
	h.at -= frameHeaderLen
}

// miss accounts for unseen payload bytes.
func (h *side) miss(n int64, lost bool) {
	h.framer.miss(n, lost)
	h.at += n
}

// pass moves the place on by n lost bytes. After an unknown number it is a place that
// nothing refers to.
func (h *side) pass(n int64) {
	if h.at += n; n < 0 {
		h.at = math.MinInt64 / 2
	}
}

// hold holds bytes that cannot be decoded yet.
func (h *side) hold(at ktime.Time, b []byte) {
	h.held.add(at, b)
	h.at += int64(len(b))
}

// unhold returns the held bytes, to be taken again from off on.
func (h *side) unhold(off int64) held {
	q := h.held
	h.held = held{}
	h.at -= q.end() - off
	return q
}

// lose gives up the frame boundaries, and all that the lost bytes may have changed. reason
// says why header table entries are unknown.
func (h *side) lose(reason string) {
	h.mode = searching
	h.framer.reset()
	h.blocks.lose(reason)
	h.first = false
	h.search = search{bonus: true}
	h.held = held{}
}

// finish ends the complete frame, and returns the payload bytes that were seen.
func (h *side) finish() []byte {
	payload := h.framer.finish()
	if len(h.blocks.snapshots.due) > 0 {
		h.blocks.recognise(h.framer.frame, h.at, payload, h.framer.truncated)
	}
	return payload
}

// counted releases the counted frame. The next one may be a CONTINUATION of it.
func (h *side) counted() {
	h.first, h.resynced = false, true
	h.framer.release()
}

// finished releases the reported frame.
func (h *side) finished() {
	fh := h.framer.frame
	h.frames++
	h.first, h.resynced = false, h.resynced && fh.typ == TypeContinuation && !fh.flags.Has(FlagEndHeaders)
	h.framer.release()
}
