package tcp

import (
	"testing"
	"time"

	"h2trace/decoder/ktime"
)

// FuzzBoth has a conversation of which segments are missing, late, sent again, cut by the
// observer or left out. Each segment takes 4 bytes of the input: its direction and fate, its
// length, how much of the other direction its sender had, and how late it is captured. No
// byte comes before what its sender had; all is reported or missing, and nothing is kept.
func FuzzBoth(f *testing.F) {
	f.Add([]byte{0, 9, 0, 0, 1, 20, 9, 2, 0, 3, 20, 0, 1, 4, 3, 1}, uint16(100))
	f.Add([]byte{1, 9, 0, 0, 4, 20, 9, 2, 9, 3, 20, 0, 17, 4, 3, 5, 32, 1, 1, 1, 65, 9, 9, 9}, uint16(3))
	f.Add([]byte{3, 255, 0, 3, 2, 255, 255, 0, 3, 255, 255, 1, 128, 9, 200, 0, 129, 9, 200, 0}, uint16(0))
	f.Fuzz(func(t *testing.T, in []byte, most uint16) {
		list, ends := conversationOf(in)
		budget := NewBudget(int(most) * 64)
		var at [2]uint64
		var sinks [2]Sink
		for d := range sinks {
			sinks[d] = &cause{t: t, at: [2]*uint64{&at[0], &at[1]}, dir: d}
		}
		if most < 1<<15 { // what waits for too much is reported without it
			for d := range sinks {
				sinks[d] = &length{at: &at[d]}
			}
		}
		c := NewConn(budget, sinks)
		for i := range list {
			s := &list[i]
			s.At = ktime.Time(i+1) * ms
			if !s.lost {
				c.Segment(&s.Segment)
			}
			if i%16 == 15 {
				c.GiveUp(s.At, time.Hour)
			}
			checkBoth(t, c, budget)
		}
		for d := range ends {
			c.Acknowledge(d, ends[d])
		}
		c.Flush(ktime.Time(len(list)+1) * ms)
		if at != ends || c.Waits() || budget.held != 0 {
			t.Errorf("reported up to %v, want %v; %d bytes are held", at, ends, budget.held)
		}
	})
}

// conversationOf returns segments in the order of their capture. Byte i of a direction says how
// many bytes of the other one its sender had, modulo 256, as in conversation. It also returns the
// ends of the directions.
func conversationOf(in []byte) (list []sent, ends [2]uint64) {
	var got [2]uint64
	for ; len(in) >= 4 && len(list) < 200; in = in[4:] {
		dir := int(in[0] & 1)
		got[dir] = max(got[dir], min(ends[dir^1], got[dir]+uint64(in[2])))
		n := uint64(in[1]%20) + 1
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(got[dir])
		}
		s := sent{Segment: Segment{Dir: dir, Offset: ends[dir], Payload: b, Acked: got[dir]}}
		ends[dir] += n
		switch in[0] >> 4 { // its fate
		case 1:
			s.lost = true
		case 2: // the observer has only a part of it
			k := uint64(in[3]) % (n + 1)
			s.Payload, s.LeftOut = b[:k], int(n-k)
		case 3:
			s.Lost = true
		case 4: // sent again
			list = append(list, s)
		}
		list = append(list, s)
		for late := int(in[3]&3) - 1; late > 0 && len(list) > late; late-- {
			i := len(list) - 1 - late
			list[i], list[i+1] = list[i+1], list[i]
		}
	}
	return list, ends
}

// length is a Sink that counts.
type length struct{ at *uint64 }

func (s *length) Data(_ ktime.Time, b []byte)               { *s.at += uint64(len(b)) }
func (s *length) Missing(_ ktime.Time, n uint64, why Cause) { *s.at += n }

// checkBoth demands that a Conn holds what its budget says, and no more than it may.
func checkBoth(t *testing.T, c *Conn, budget *Budget) {
	t.Helper()
	held, parts := 0, 0
	for d := range c.sides {
		s := &c.sides[d]
		cost := 0
		for i := range s.waiting {
			cost += s.waiting[i].cost()
		}
		if s.held != cost || cost > maxWaiting {
			t.Fatalf("%d bytes of direction %d wait, counted %d", cost, d, s.held)
		}
		held, parts = held+cost+s.stream.early.cost, parts+len(s.waiting)
	}
	if held != budget.held || parts != c.parts || held > budget.most {
		t.Fatalf("%d bytes in %d parts are held, counted %d in %d, of at most %d", held, parts, budget.held, c.parts, budget.most)
	}
}
