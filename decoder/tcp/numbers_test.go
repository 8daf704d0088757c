package tcp

import "testing"

// begun returns the numbers of a direction whose first byte has the number 1000, and of which
// some bytes were sent.
func begun(sent uint64) *Numbers {
	n := &Numbers{}
	n.Begin(1000)
	n.Sent(sent)
	return n
}

// TestNumbersAcknowledged has acknowledgments, also of a FIN and of more than was sent.
func TestNumbersAcknowledged(t *testing.T) {
	for _, tt := range []struct {
		name                string
		do                  func(n *Numbers)
		acked, needed, rest uint64
	}{
		{"all", func(n *Numbers) { n.Acknowledge(1100) }, 100, 100, 100},
		{"less again", func(n *Numbers) { n.Acknowledge(1100); n.Acknowledge(1050) }, 100, 100, 100},
		{"a byte more, which may be the FIN", func(n *Numbers) { n.Acknowledge(1101) }, 100, 100, 101},
		{"more, the last of which may be the FIN", func(n *Numbers) { n.Acknowledge(1150) }, 150, 149, 150},
		{"the FIN", func(n *Numbers) { n.FIN(1, 100); n.Acknowledge(1101) }, 100, 100, 100},
		{"bytes before the FIN", func(n *Numbers) { n.FIN(1, 200); n.Acknowledge(1150) }, 150, 150, 200},
		{"more than was sent, as it seems", func(n *Numbers) { n.Acknowledge(1150); n.Sent(120); n.GoesOn() }, 120, 120, 150},
		{"farther than a window", func(n *Numbers) { n.Acknowledge(1100 + 1<<30 + 1) }, 0, 0, 100},
		{"before the first byte", func(n *Numbers) { n.Acknowledge(999) }, 0, 0, 100},
	} {
		n := begun(100)
		tt.do(n)
		if n.Acked() != tt.acked || n.Needed() != tt.needed || n.Rest() != tt.rest {
			t.Errorf("%s: acked %d, needed %d, rest %d; want %d, %d, %d", tt.name, n.Acked(), n.Needed(), n.Rest(), tt.acked, tt.needed, tt.rest)
		}
	}
}

// TestNumbersRebase moves the first byte. All else has the same sequence numbers as before.
func TestNumbersRebase(t *testing.T) {
	for name, finned := range map[string]bool{"open": false, "ended": true} {
		n := begun(100)
		n.Acknowledge(1100)
		if finned {
			n.FIN(1, 100)
		}
		n.Rebase(60)
		if place, ok := n.Place(1060); n.First() != 1060 || !ok || place != 0 {
			t.Errorf("%s: the first byte is %d, at %d", name, n.First(), place)
		}
		if n.Reach() != 40 || n.Acked() != 40 || n.Rest() != 40 {
			t.Errorf("%s: reach %d, acked %d, rest %d; want 40", name, n.Reach(), n.Acked(), n.Rest())
		}
	}
}

// TestNumbersReset has a RST near what was sent, and one that nobody who saw that would send
// (RFC 9293 §3.10.7.4). The first end counts.
func TestNumbersReset(t *testing.T) {
	for _, tt := range []struct {
		offset uint64
		ends   bool
	}{{0, true}, {100, true}, {100 + maxReset, true}, {101 + maxReset, false}} {
		n := begun(100)
		if ends := n.Reset(5, tt.offset); ends != tt.ends || (n.Ended() == 5) != tt.ends {
			t.Errorf("at %d: ends %v, at %d", tt.offset, ends, n.Ended())
		}
	}
	n := begun(100)
	n.FIN(0, 100) // a packet without a time
	if n.Reset(7, 101); n.Ended() == 0 || n.Ended() == 7 {
		t.Errorf("ended at %d, want when the FIN came", n.Ended())
	}
}

// TestAnother has segments with the ports of a connection that may be another one.
func TestAnother(t *testing.T) {
	for _, tt := range []struct {
		name           string
		seq            uint32
		length         int
		syn, ack, over bool
		want           bool
	}{
		{"SYN again", 999, 0, true, false, false, false},
		{"SYN of another number", 5000, 0, true, false, false, true},
		{"SYN of the same number, after the end", 999, 0, true, false, true, true},
		{"answer to a SYN again, after the end", 999, 0, true, true, true, false},
		{"answer to a SYN that is not captured", 5000, 0, true, true, false, true},
		{"payload", 1100, 10, false, true, false, false},
		{"payload of a connection that is over", 1100, 10, false, true, true, false},
		{"payload without a place", 1<<31 + 1000, 10, false, true, false, false},
		{"payload without a place, after the end", 1<<31 + 1000, 10, false, true, true, true},
		{"no payload, after the end", 1<<31 + 1000, 0, false, true, true, false},
	} {
		if got := begun(100).Another(tt.seq, tt.length, tt.syn, tt.ack, tt.over); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
		if got := new(Numbers).Another(tt.seq, tt.length, tt.syn, tt.ack, false); got {
			t.Errorf("%s: another connection, and nothing was captured before", tt.name)
		}
	}
}
