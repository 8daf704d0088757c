package capture

import "testing"

// TestLongSegment has a packet that says nowhere how long it is, but in the capture, where it has
// a length that no packet has.
func TestLongSegment(t *testing.T) {
	b := make([]byte, 60)
	b[0], b[9], b[20+12] = 0x45, protocolTCP, 0x50
	for _, c := range []struct {
		length int
		want   Outcome
	}{{60, Taken}, {512 << 10, Taken}, {1 << 30, Short}} {
		var s Segment
		if got := s.Dissect(&Packet{Link: LinkRaw, Data: b, Length: c.length}); got != c.want {
			t.Errorf("%d bytes: outcome %d, want %d", c.length, got, c.want)
		}
	}
}
