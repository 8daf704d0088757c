package tcp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"h2trace/decoder/ktime"
)

// talk records what a Conn reports, in order.
type talk struct {
	dir  int
	said *[]string
}

func (s talk) Data(_ ktime.Time, b []byte) { *s.said = append(*s.said, fmt.Sprintf("%d:%s", s.dir, b)) }

func (s talk) Missing(_ ktime.Time, n uint64, why Cause) {
	*s.said = append(*s.said, fmt.Sprintf("%d:%d %v", s.dir, n, why))
}

func newTalk(budget *Budget) (*Conn, *[]string) {
	said := new([]string)
	return NewConn(budget, [2]Sink{talk{0, said}, talk{1, said}}), said
}

const ms = ktime.Time(time.Millisecond)

func say(c *Conn, at ktime.Time, dir int, offset uint64, b string, acked uint64) {
	c.Segment(&Segment{At: at, Dir: dir, Offset: offset, Payload: []byte(b), Acked: acked})
}

func TestConn(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(c *Conn)
		want string
	}{
		{"in order", func(c *Conn) {
			say(c, 1, 0, 0, "ask", 0)
			say(c, 2, 1, 0, "answer", 3)
		}, "0:ask 1:answer"},
		{"the question comes late", func(c *Conn) {
			say(c, 1, 1, 0, "answer", 3)
			say(c, 2, 0, 0, "ask", 0)
		}, "0:ask 1:answer"},
		{"in two segments", func(c *Conn) {
			say(c, 1, 1, 0, "answer", 3)
			say(c, 2, 0, 2, "k", 0)
			say(c, 3, 0, 0, "as", 0)
		}, "0:as 0:k 1:answer"},
		{"a question that is not for it comes later", func(c *Conn) {
			say(c, 1, 1, 0, "push", 0)
			say(c, 2, 0, 0, "ask", 0)
		}, "1:push 0:ask"},
		{"the question is given up", func(c *Conn) {
			say(c, 1*ms, 1, 0, "answer", 3)
			c.Acknowledge(0, 3)
			c.GiveUp(2*ms, time.Millisecond)
			c.GiveUp(3*ms, time.Millisecond)
			c.GiveUp(4*ms, time.Millisecond)
		}, "0:3 lost 1:answer"},
		{"a question that comes slowly is not given up", func(c *Conn) {
			say(c, 1*ms, 1, 0, "answer", 6)
			c.Acknowledge(0, 6)
			c.GiveUp(2*ms, 2*time.Millisecond)
			say(c, 3*ms, 0, 0, "ask", 0)
			c.GiveUp(4*ms, 2*time.Millisecond)
			c.GiveUp(5*ms, 2*time.Millisecond)
			say(c, 6*ms, 0, 3, "ing", 0)
		}, "0:ask 0:ing 1:answer"},
		{"the question is given up after the clock was set back", func(c *Conn) {
			say(c, 1*ms, 1, 0, "answer", 3)
			c.Acknowledge(0, 3)
			c.GiveUp(900*ms, time.Millisecond)
			c.GiveUp(1*ms, time.Millisecond)
			c.GiveUp(3*ms, time.Millisecond)
		}, "0:3 lost 1:answer"},
		{"what is left out is not given up", func(c *Conn) {
			c.LeaveOut(0, 10)
			c.Acknowledge(0, 9)
			c.GiveUp(1*ms, time.Millisecond)
			c.GiveUp(3*ms, time.Millisecond)
		}, ""},
		{"the observer lost the question", func(c *Conn) {
			say(c, 1, 1, 0, "answer", 3)
			c.Segment(&Segment{At: 2, Offset: 3, Lost: true})
		}, "0:3 lost 1:answer"},
		{"of a hole, each answer waits for its question", func(c *Conn) {
			say(c, 1, 1, 0, "first", 3)
			say(c, 2, 0, 3, "second", 5)
			say(c, 3, 1, 5, "last", 9)
			c.Acknowledge(1, 9) // the client has it all
			c.Segment(&Segment{At: 4, Offset: 3, Lost: true})
		}, "0:3 lost 1:first 0:second 1:last"},
		{"the question was sent again after the answer", func(c *Conn) {
			say(c, 1, 1, 0, "answer", 3)
			say(c, 2, 0, 0, "ask", 6)
		}, "0:ask 1:answer"},
		{"so was a part of it, of an answer that is missing in part", func(c *Conn) {
			say(c, 1*ms, 1, 0, "answer", 5)
			say(c, 2*ms, 0, 0, "ask", 10)
			c.Acknowledge(0, 5)
			c.GiveUp(3*ms, time.Millisecond)
			c.GiveUp(5*ms, time.Millisecond)
		}, "0:ask 0:2 lost 1:answer"},
		{"nothing waits for what is left out", func(c *Conn) {
			c.LeaveOut(0, 10)
			say(c, 1, 1, 0, "answer", 9)
		}, "1:answer"},
		{"left out after a part of it", func(c *Conn) {
			c.Segment(&Segment{At: 1, Payload: []byte("as"), LeftOut: 3})
			say(c, 2, 1, 0, "answer", 5)
		}, "0:as 0:3 left out 1:answer"},
		{"the wait is over", func(c *Conn) {
			say(c, 1*ms, 1, 0, "answer", 3)
			c.Release(2*ms, time.Millisecond)
			c.Release(3*ms, time.Millisecond)
		}, "1:answer"},
		{"the connection is over", func(c *Conn) {
			say(c, 1, 1, 0, "answer", 3)
			say(c, 2, 0, 4, "again", 6)
			c.Acknowledge(0, 3)
			c.Flush(3)
		}, "0:3 lost 1:answer 0:1 overrun 0:again"},
		{"it is dropped", func(c *Conn) {
			say(c, 1, 1, 0, "answer", 3)
			c.Drop()
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			budget := NewBudget(1 << 20)
			c, said := newTalk(budget)
			tt.do(c)
			if got := strings.Join(*said, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if c.Waits() || budget.held != 0 {
				t.Errorf("waits %v, %d bytes held", c.Waits(), budget.held)
			}
		})
	}
}

// TestConnBounds has a peer whose answers to nothing do not end.
func TestConnBounds(t *testing.T) {
	for _, most := range []int{64 << 10, 64 << 20} {
		budget := NewBudget(most)
		c, said := newTalk(budget)
		piece := strings.Repeat("x", 1000)
		for i := range uint64(10_000) {
			say(c, ktime.Time(i), 1, i*1000, piece, 1<<20)
			if c.sides[1].held > maxWaiting || budget.held > most {
				t.Fatalf("%d bytes wait, %d in the budget of %d", c.sides[1].held, budget.held, most)
			}
		}
		if (*said)[0] != "0:1048576 lost" || len(*said) < 9000 {
			t.Errorf("%d reports, the first %s", len(*said), (*said)[0])
		}
		c.Drop()
		if budget.held != 0 {
			t.Errorf("%d bytes are held after Drop", budget.held)
		}
	}
}

// sent is a segment of a conversation, lost if the observer has not seen it.
type sent struct {
	Segment
	lost bool
}

// conversation returns segments in the order in which they were sent. Byte i of a direction says
// how many bytes of the other one its sender had, modulo 256.
func conversation(rng *rand.Rand) (list []sent) {
	var ends, got [2]uint64
	for range 60 {
		dir := rng.IntN(2)
		got[dir] += rng.Uint64N(ends[dir^1] - got[dir] + 1)
		b := slices.Repeat([]byte{byte(got[dir])}, 1+rng.IntN(20))
		list = append(list, sent{Segment: Segment{Dir: dir, Offset: ends[dir], Payload: b, Acked: got[dir]}})
		ends[dir] += uint64(len(b))
	}
	return list
}

// cause is a Sink that demands that no byte comes before those that its sender had.
type cause struct {
	t   *testing.T
	at  [2]*uint64 // what both directions have reported
	dir int
}

func (s *cause) Data(_ ktime.Time, b []byte) {
	for _, c := range b {
		if other := *s.at[s.dir^1]; int8(byte(other)-c) < 0 {
			s.t.Errorf("byte %d of direction %d needs %d of the other one, which has %d", *s.at[s.dir], s.dir, c, byte(other))
		}
		*s.at[s.dir]++
	}
}

func (s *cause) Missing(_ ktime.Time, n uint64, _ Cause) { *s.at[s.dir] += n }

// TestConnCause leaves out segments of conversations, and has others captured late. All the rest
// is reported, after what precedes it.
func TestConnCause(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		list := conversation(rng)
		var at [2]uint64
		var sinks [2]Sink
		for d := range sinks {
			sinks[d] = &cause{t: t, at: [2]*uint64{&at[0], &at[1]}, dir: d}
		}
		c := NewConn(nil, sinks)
		var ends [2]uint64
		for i := range list { // up to four segments late
			j := min(i+rng.IntN(5), len(list)-1)
			list[i], list[j] = list[j], list[i]
			list[i].lost = rng.IntN(8) == 0
		}
		for i := range list {
			s := &list[i]
			ends[s.Dir] = max(ends[s.Dir], s.Offset+uint64(len(s.Payload)))
			if !s.lost {
				s.At = ktime.Time(i)
				c.Segment(&s.Segment)
			}
		}
		for d := range ends {
			c.Acknowledge(d, ends[d])
		}
		c.Flush(100)
		if at != ends || c.Waits() {
			t.Errorf("seed %d: reported up to %v, want %v", seed, at, ends)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
