package decoder

import (
	"time"

	"h2trace/decoder/ktime"
)

// Overhead bounds what the frames of a connection may cost that carry neither a response
// nor data, see Flood. It is measured in units, each some microseconds of work for a program
// that prints frames. The zero Overhead bounds nothing.
type Overhead struct {
	// Burst is how many units a connection may take at once, and PerSecond how many more in
	// each second of the times of its bytes.
	Burst, PerSecond int64
}

// The units of a frame. A frame that carries something earns what usually comes with it, so
// that traffic of use never adds up: two WINDOW_UPDATE and two other frames for DATA, and for
// the end of a response its request, the header sections of both, and some resets.
const (
	unitsPerFrame    = 1
	unitsPerData     = 4
	unitsPerResponse = 16
	bytesPerUnit     = 256  // of the payload of a frame
	listPerUnit      = 1024 // of a header list (RFC 9113 §6.5.2)
)

// meter measures the overhead of a connection.
type meter struct {
	bound Overhead
	level int64
	at    ktime.Time // up to which units have run off
}

// take adds the units of a frame, which are negative if it earns some.
func (m *meter) take(at ktime.Time, units int64) {
	if m.runOff(at); m.bound.Burst > 0 {
		m.level = min(max(0, m.level+units), m.bound.Burst+1)
	}
}

// runOff has the units of the time before now run off, in whole ones.
func (m *meter) runOff(now ktime.Time) {
	if m.level == 0 || m.at == 0 {
		m.at = max(m.at, now)
		return
	}
	if now <= m.at || m.bound.PerSecond == 0 {
		return
	}
	each := time.Second / time.Duration(m.bound.PerSecond)
	n := int64(now.Sub(m.at) / max(each, 1))
	m.level = max(0, m.level-n)
	m.at = m.at.Add(time.Duration(n) * max(each, 1))
}

// exceeded reports whether the bound is.
func (m *meter) exceeded() bool { return m.level > m.bound.Burst }

// calmAt reports whether half of the bound is free again by then, so that no connection is
// at the bound with each frame.
func (m *meter) calmAt(now ktime.Time) bool {
	m.runOff(now)
	return m.level <= m.bound.Burst/2
}

// overheadOf returns the units of a decoded frame. s is its stream, nil if none is followed.
func (c *Conn) overheadOf(h *side, f *Frame, s *stream) int64 {
	carries := f.Violation == nil && (s != nil || !c.streams.certain())
	n := c.unitsOf(f.Dir, f.Type, f.Flags, f.Length, carries)
	if f.Violation != nil {
		n += unitsPerFrame
	}
	if f.BlockEnd {
		n += int64(h.blocks.table.size / listPerUnit)
	}
	return n
}

// unitsOf returns the units of a frame by its header alone. carries says that it is part of
// a message, if its type may be.
func (c *Conn) unitsOf(d Direction, t Type, flags Flags, length uint32, carries bool) int64 {
	end := (t == TypeData || t == TypeHeaders) && flags.Has(FlagEndStream)
	n := int64(0)
	if carries && end && c.streams.known && d != c.streams.clientDir {
		n -= unitsPerResponse
	}
	switch t {
	case TypeData:
		switch {
		case length > 0 && carries:
			n -= unitsPerData + int64(length)/bytesPerUnit
		case !end:
			n += unitsPerFrame
		}
	case TypeHeaders, TypePushPromise, TypeContinuation:
		n += unitsPerFrame + int64(length)/listPerUnit
	default:
		n += unitsPerFrame + int64(length)/bytesPerUnit
	}
	return n
}
