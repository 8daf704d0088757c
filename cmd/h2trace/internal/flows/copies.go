package flows

import (
	"time"

	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

const (
	// maxRecent is how many packets of a flow are compared with the next one.
	maxRecent = 8
	// copyTime is how long after a packet its copy comes, where the host numbers no packets. No
	// retransmission is as fast, but on a loopback device.
	copyTime = time.Millisecond
)

// copies recognizes packets that a capture has twice: a port is mirrored in both directions, or
// several interfaces of a path are captured (tcpdump -i any). They are no retransmissions, which
// have another identification (RFC 6864 §4.3).
type copies struct {
	recent [maxRecent]sighting
	next   int
}

type sighting struct {
	seq, ack, length uint32
	id               uint16
	flags            uint8
	dir              uint8
	at               ktime.Time
}

// has reports whether a segment is a copy, and keeps it if not.
func (c *copies) has(s *capture.Segment, dir int, at ktime.Time) bool {
	seen := sighting{s.Seq, s.Ack, uint32(s.Length), s.ID, s.Flags, uint8(dir), at}
	for i := range c.recent {
		r := c.recent[i]
		since := at.Sub(r.at)
		r.at = at
		if r == seen && (s.ID != 0 && s.Flags&capture.SYN == 0 || s.Length > 0 && since.Abs() < copyTime) {
			return true
		}
	}
	c.recent[c.next] = seen
	c.next = (c.next + 1) % maxRecent
	return false
}
