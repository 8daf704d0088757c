package trace

import (
	"h2trace/bpf"
	"h2trace/decoder"
)

const (
	// largePayload is the smallest DATA payload that is worth leaving out.
	largePayload = 4 << 10
	// guideEvery is how many bytes of such payloads are copied before the kernel gets
	// another place.
	guideEvery = 256 << 10
)

// following is how the kernel follows the frames of a direction without TLS, to leave
// out DATA payloads. It begins with the first byte, and loses its place when segments
// arrive out of order.
type following struct {
	// adrift says that the kernel does not know where frames begin. bulk counts the
	// bytes of large DATA payloads copied since then. told is bulk when the kernel last
	// got a place.
	adrift     bool
	bulk, told uint64
}

// note takes whether the kernel knows the frames in a segment. It reports whether the
// kernel has lost its place.
func (f *following) note(d *bpf.Segment) (adrift bool) {
	if d.Followed {
		*f = following{}
		return false
	}
	f.adrift = true
	return true
}

// noteFrame counts the payload of a frame that the kernel could have left out.
func (p *cleartextConn) noteFrame(f *decoder.Frame) {
	if d := &p.follow[f.Dir]; d.adrift && f.Type == decoder.TypeData && f.Length >= largePayload {
		d.bulk += uint64(f.Length)
	}
}

// guide tells the kernel where the next frame of a direction begins. This helps only if
// the kernel has not seen that place yet: when all its records are read, or after a
// long frame.
func (c *tracedConn) guide(dir int) {
	ahead, ok := c.decoder.NextFrame(decoder.Direction(dir))
	place := int64(c.decodedUpTo(decoder.Direction(dir))) + ahead
	if !ok || place <= int64(c.want.Place[dir]) {
		return
	}
	c.want.Place[dir] = uint64(place)
	f := &c.cleartext.follow[dir]
	f.told = f.bulk
	c.askPayload()
}

// adrift holds the connections whose place the kernel lost, and whose payload it
// copies.
type adrift map[*tracedConn]struct{}

// guide tells the kernel the next place of each, as far as records are read.
func (a adrift) guide() {
	for c := range a {
		for dir := range c.cleartext.follow {
			if f := &c.cleartext.follow[dir]; f.adrift && f.bulk >= worthLeavingOut {
				c.guide(dir)
			}
		}
	}
	clear(a)
}
