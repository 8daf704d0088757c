package decoder

import "h2trace/decoder/ktime"

// Flood is a time in which a connection exceeded Config.Overhead. Its frames were counted
// and not decoded, until half of the bound was free again. What they may have changed is
// unknown after them, as after a loss.
type Flood struct {
	Start, End ktime.Time
	// Dir is the direction of the frame that exceeded the bound, the last one that was
	// decoded.
	Dir Direction
	// Counted is by direction and type.
	Counted [2][256]Tally
}

// Tally counts frames, and their bytes with the frame headers.
type Tally struct{ Frames, Bytes uint64 }

// FloodSink is a Sink that takes floods. Without it they are counted for nobody.
type FloodSink interface {
	Sink
	// Flooded is called when frames are not decoded any more.
	Flooded(at ktime.Time, dir Direction)
	// Counted is called when they are decoded again, or at the end. f is not to be kept.
	Counted(f *Flood)
}

// afterFlood is why header table entries are unknown.
const afterFlood = "refers to header table entries from before frames that were only counted"

// charge adds the overhead of a decoded frame. Beyond the bound it begins to count.
func (c *Conn) charge(h *side, f *Frame, s *stream) {
	if c.meter.take(f.Time, c.overheadOf(h, f, s)); !c.meter.exceeded() || c.flood != nil {
		return
	}
	c.flood = &Flood{Start: f.Time, Dir: f.Dir}
	c.forgetAll(true)
	if sink, ok := c.sink.(FloodSink); ok {
		sink.Flooded(f.Time, f.Dir)
	}
}

// count counts the complete frame of a direction.
func (c *Conn) count(at ktime.Time, h *side) {
	r := &h.framer.frame
	c.flood.add(h.dir, r)
	c.meter.take(at, c.unitsOf(h.dir, r.typ, r.flags, r.length, true))
	c.calmDown(at)
}

func (f *Flood) add(d Direction, r *frameHeader) {
	t := &f.Counted[d][r.typ]
	t.Frames++
	t.Bytes += frameHeaderLen + uint64(r.length)
}

// calmDown decodes again if a flood is over.
func (c *Conn) calmDown(at ktime.Time) {
	if c.flood != nil && c.meter.calmAt(at) {
		c.endFlood(at)
	}
}

// endFlood decodes the frames that begin from now on.
func (c *Conn) endFlood(at ktime.Time) {
	f := c.flood
	c.flood = nil
	f.End = max(at, f.Start)
	for d := range c.sides {
		if r := &c.sides[d].framer; r.inPayload && r.counted && !r.tallied {
			f.add(Direction(d), &r.frame)
			r.tallied = true
		}
	}
	c.forgetAll(false)
	if sink, ok := c.sink.(FloodSink); ok {
		sink.Counted(f)
	}
}

// forgetAll makes unknown what frames may change that are not decoded: those that begin from
// now on, or those until now. The frame boundaries stay known.
func (c *Conn) forgetAll(counting bool) {
	for d := range c.sides {
		h := &c.sides[d]
		h.framer.counting = counting
		h.since = h.at - int64(h.framer.gathered)
		if h.framer.inPayload {
			h.since += h.framer.left
		}
		h.resynced = true
		h.blocks.lose(afterFlood)
		c.lost(h.dir)
	}
}
