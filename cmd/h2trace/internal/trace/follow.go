package trace

import (
	"h2trace/bpf"
	"h2trace/decoder"
)

const (
	// largePayload is what a DATA payload holds at least of which it pays that
	// the kernel leaves it out.
	largePayload = 4 << 10
	// guideEvery is how much of such is copied before another place is given.
	guideEvery = 256 << 10
)

// following is what is known of how the kernel follows the frames of a
// direction without TLS, to leave DATA payloads out. It begins with the first
// byte and loses its place when segments overtake others.
type following struct {
	// adrift says that it does not know where frames begin. bulk is how much of
	// large DATA payloads was copied since then, and told of it, when a place was
	// given last.
	adrift     bool
	bulk, told uint64
}

// note notes whether the kernel knows which frames a segment holds, and returns whether
// it has lost its place.
func (f *following) note(d *bpf.Segment) (adrift bool) {
	if d.Followed {
		*f = following{}
		return false
	}
	f.adrift = true
	return true
}

// noteFrame counts what the kernel need not have copied of a frame.
func (p *cleartextConn) noteFrame(f *decoder.Frame) {
	if d := &p.follow[f.Dir]; d.adrift && f.Type == decoder.TypeData && f.Length >= largePayload {
		d.bulk += uint64(f.Length)
	}
}

// guide tells the kernel where the next frame of a direction begins. That is of
// use if the kernel has not seen it yet: when all of its records are read, or after
// a long frame.
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

// adrift are the connections of which the kernel lost its place, and copies what could
// be left out.
type adrift map[*tracedConn]struct{}

// guide guides the kernel, as far as records have been read.
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
