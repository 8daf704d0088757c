package http1

import (
	"bytes"
	"strconv"

	"h2trace/decoder/ktime"
)

// maxHead bounds the head of a message, in bytes. Go's server accepts 1 MB by default
// and its client 10 MB; real heads stay below a tenth of this. The parser skips a
// longer one.
const maxHead = 256 << 10

// maxLine bounds the size line of a chunk, extensions included.
const maxLine = 4 << 10

// keepLine is the buffer capacity that a direction may keep without asking the budget.
const keepLine = 4 << 10

// state is the position of a direction in a message.
type state uint8

const (
	inHead state = iota
	inBody       // of known length, with left bytes to come
	inSize       // the size line of a chunk
	inChunk
	afterChunk // the CRLF after a chunk
	inTrailer
	untilClose
	tunnel   // another protocol
	broken   // no message boundary is known
	unframed // after a valid head that ends the framing
)

// side parses one direction.
type side struct {
	state state
	line  []byte     // gathered bytes of a head, size line or trailer line
	since ktime.Time // time of the first byte of line
	left  int64      // of the body or chunk
	last  bool       // HTTP/1 ends after this message

	budget *Budget
	cost   int64 // bytes of it that line takes
}

// gather appends to line and reports whether there was room.
func (h *side) gather(b []byte) bool {
	h.line = append(h.line, b...)
	if n := int64(cap(h.line)); n > max(h.cost, keepLine) {
		if !h.budget.take(n - h.cost) {
			return false
		}
		h.cost = n
	}
	return true
}

// drop empties line and returns its bytes to the budget.
func (h *side) drop() {
	if h.line = h.line[:0]; cap(h.line) > keepLine {
		h.line = nil
	}
	h.budget.Add(-h.cost)
	h.cost = 0
}

// parser receives the parts of a message from a side.
type parser interface {
	// head takes a complete head and returns the framing of its body.
	head(since, at ktime.Time, b []byte) framing
	body(at ktime.Time, n int64)
	end(at ktime.Time)
	// malformed says that a message breaks a rule. fail follows.
	malformed(at ktime.Time)
	// fail says that no message boundary is known from here on.
	fail(at ktime.Time)
}

// framing says how the body of a message ends (RFC 9112 §6.3).
type framing struct {
	state state // inHead: no body; inBody, inSize, untilClose, tunnel, broken or unframed
	left  int64
}

// feed takes the next bytes, and returns those after the end of HTTP/1.
func (h *side) feed(at ktime.Time, b []byte, p parser) []byte {
	if h.state == broken && resumes(b) {
		h.state = inHead
	}
	for len(b) > 0 {
		switch h.state {
		case inHead:
			b = h.readHead(at, b, p)
		case inBody, inChunk:
			n := min(h.left, int64(len(b)))
			h.left -= n
			b = b[n:]
			p.body(at, n)
			h.bodyEnd(at, p)
		case untilClose:
			p.body(at, int64(len(b)))
			return nil
		case inSize, afterChunk, inTrailer:
			b = h.readLine(at, b, p)
		case tunnel:
			return b
		case broken:
			return nil
		}
	}
	return nil
}

// bodyEnd changes the state when the last byte of a body or chunk has come.
func (h *side) bodyEnd(at ktime.Time, p parser) {
	switch {
	case h.left > 0:
	case h.state == inChunk:
		h.state = afterChunk
	default:
		h.end(at, p)
	}
}

// end ends a message.
func (h *side) end(at ktime.Time, p parser) {
	if h.state = inHead; h.last {
		h.state = tunnel
	}
	p.end(at)
}

// inMessage reports whether the side is between the head and the end of a message.
func (h *side) inMessage() bool {
	switch h.state {
	case inBody, inSize, inChunk, afterChunk, inTrailer:
		return true
	}
	return false
}

// readHead gathers a head and passes it on. It skips empty lines before a start line
// (RFC 9112 §2.2).
func (h *side) readHead(at ktime.Time, b []byte, p parser) []byte {
	if len(h.line) == 0 {
		b = bytes.TrimLeft(b, "\r\n")
		h.since = at
	}
	for ended := false; !ended; ended = endsHead(h.line) {
		i := bytes.IndexByte(b, '\n')
		take := len(b)
		if i >= 0 {
			take = i + 1
		}
		if len(h.line)+take > maxHead || !h.gather(b[:take]) {
			h.fail(at, p)
			return nil
		}
		if b = b[take:]; i < 0 {
			return nil
		}
	}
	head := h.line
	f := p.head(h.since, at, head)
	h.drop()
	h.state, h.left = f.state, f.left
	switch h.state {
	case inHead:
		h.end(at, p)
	case inBody:
		h.bodyEnd(at, p)
	case broken:
		h.malformed(at, p)
	case unframed:
		h.fail(at, p)
	}
	return b
}

// endsHead reports whether the last line is the empty line at the end of a head. A
// lone LF ends a line too (RFC 9112 §2.2).
func endsHead(b []byte) bool {
	return bytes.HasSuffix(b, []byte("\n\r\n")) || bytes.HasSuffix(b, []byte("\n\n"))
}

// readLine gathers one line of the chunked coding (RFC 9112 §7.1).
func (h *side) readLine(at ktime.Time, b []byte, p parser) []byte {
	i := bytes.IndexByte(b, '\n')
	take := len(b)
	if i >= 0 {
		take = i + 1
	}
	limit := maxLine
	if h.state == inTrailer {
		limit = maxHead
	}
	if len(h.line)+take > limit {
		h.fail(at, p)
		return nil
	}
	if !h.gather(b[:take]) {
		h.fail(at, p)
		return nil
	}
	if i < 0 {
		return nil
	}
	line := bytes.TrimRight(h.line, "\r\n")
	h.drop()
	h.endLine(at, line, p)
	return b[take:]
}

func (h *side) endLine(at ktime.Time, line []byte, p parser) {
	switch h.state {
	case inSize:
		n, ok := chunkSize(line)
		switch {
		case !ok:
			h.malformed(at, p)
		case n == 0:
			h.state = inTrailer
		default:
			h.state, h.left = inChunk, n
		}
	case afterChunk:
		if h.state = inSize; len(line) > 0 {
			h.malformed(at, p)
		}
	default:
		if len(line) == 0 {
			h.end(at, p)
		}
	}
}

// chunkSize parses a size line and ignores extensions.
func chunkSize(line []byte) (int64, bool) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	n, err := strconv.ParseUint(string(bytes.TrimRight(digits, " \t")), 16, 60)
	return int64(n), err == nil
}

// gap takes the loss of n bytes, -1 for an unknown number.
func (h *side) gap(at ktime.Time, n int64, p parser) {
	switch {
	case h.state == tunnel:
	case (h.state == inBody || h.state == inChunk) && n >= 0 && n <= h.left:
		h.left -= n
		p.body(at, n)
		h.bodyEnd(at, p)
	case h.state == untilClose && n >= 0:
		p.body(at, n)
	default:
		h.fail(at, p)
	}
}

func (h *side) malformed(at ktime.Time, p parser) {
	p.malformed(at)
	h.fail(at, p)
}

func (h *side) fail(at ktime.Time, p parser) {
	h.drop()
	h.state, h.line, h.left = broken, nil, 0
	if h.last { // its end is unknown, but not the protocol after it
		h.state = tunnel
	}
	p.fail(at)
}

// resumes reports whether b, the start of a Write or Read, begins a message: with a
// status line or a request line.
func resumes(b []byte) bool {
	line, _, found := bytes.Cut(b[:min(len(b), maxLine)], []byte("\n"))
	if !found {
		return false
	}
	if _, ok := parseResponse(append(append([]byte{}, line...), "\n\r\n"...)); ok {
		return true
	}
	_, ok := parseRequest(append(append([]byte{}, line...), "\n\r\n"...))
	return ok
}
