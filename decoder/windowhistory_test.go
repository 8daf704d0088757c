package decoder

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"h2trace/decoder/ktime"
)

// moment is the state of the model between two frames of a conversation.
type moment struct {
	frames int
	at     [2]int64
	sample WindowSample
}

// momentOf returns the current state of the process that the model follows. It may include
// credit that is taken or granted, and not written yet.
func momentOf(g *trace, at [2]int64, claims bool) moment {
	s := WindowSample{At: at, Time: ktime.Time(len(g.want)) * 1e6}
	claim := func(d Direction, n int64) int64 {
		if !claims || g.rng.IntN(3) > 0 {
			return n
		}
		taken := g.rng.Int64N(1000) + 1
		if d == Send {
			return n - taken
		}
		return n + taken
	}
	for d, way := range []string{"send", "recv"} {
		s.Conn[d] = Credit{claim(Direction(d), g.m.conn[way]), true}
		s.Initial[d] = Credit{g.m.initial[way], d == 0 || len(g.m.sent) == 0}
	}
	for id, w := range g.m.stream {
		s.Streams = append(s.Streams, StreamSample{
			ID:     id,
			Credit: [2]Credit{{claim(Send, w["send"]), true}, {claim(Recv, w["recv"]), g.rng.IntN(4) > 0}},
			Ended:  [2]bool{g.m.ended[id]["send"], g.m.ended[id]["recv"]},
		})
	}
	return moment{len(g.want), at, s}
}

// conversation returns a random conversation, and the moments in it.
func conversation(seed uint64, frames int, claims bool) (*trace, []moment) {
	g := newTrace(seed, 7)
	var moments []moment
	var at [2]int64
	for done := 0; len(g.want) < frames; {
		g.step()
		for ; done < len(g.inputs); done++ {
			at[g.inputs[done].dir] += int64(len(g.inputs[done].data))
		}
		moments = append(moments, momentOf(g, at, claims))
	}
	return g, moments
}

// joined decodes a conversation from one of its frames on, with samples of some moments. The
// samples are slightly late. It returns the windows of each frame, by its number.
func joined(t testing.TB, g *trace, moments []moment, from int, rng *rand.Rand, edit func(*WindowSample)) (got map[int]string, c *Conn) {
	t.Helper()
	var base [2]int64
	for _, in := range g.inputs[:from] {
		base[in.dir] += int64(len(in.data))
	}
	r := &windowLog{}
	c = NewConn(Config{Role: Client}, r)
	var late []WindowSample
	for i, in := range g.inputs[from:] {
		for data := in.data; len(data) > 0; {
			n := 1 + rng.IntN(len(data))
			c.Data(in.at, in.dir, data[:n])
			data = data[n:]
		}
		for ; len(moments) > 0 && moments[0].frames <= from+i+1; moments = moments[1:] {
			if m := moments[0]; m.frames == from+i+1 && rng.IntN(4) == 0 {
				s := m.sample
				s.At = [2]int64{s.At[0] - base[0], s.At[1] - base[1]}
				s.Listed = c.Listing()
				edit(&s)
				late = append(late, s)
			}
		}
		if len(late) > 0 && rng.IntN(3) == 0 {
			c.Windows(late[0])
			late = late[1:]
		}
	}
	got = make(map[int]string)
	for i, w := range r.got {
		got[len(g.want)-len(r.got)+i] = w
	}
	if len(r.violations) > 0 {
		t.Errorf("violations in a legal conversation: %v", r.violations)
	}
	return got, c
}

// compare returns how many of the wanted windows are known.
func compare(t testing.TB, got map[int]string, want []string) (known, wanted int) {
	t.Helper()
	for i, line := range got {
		g, w := strings.Split(line, ","), strings.Split(want[i], ",")
		for j := range g {
			if w[j] != "?" {
				wanted++
			}
			if g[j] == "?" {
				continue
			}
			known++
			if g[j] != w[j] {
				t.Fatalf("frame %d: windows %s, want %s", i, line, want[i])
			}
		}
	}
	return known, wanted
}

// TestWindowSamples joins random conversations in the middle. Samples make the windows known.
// Known windows are correct, although many samples include credit that was taken or granted
// and not yet written.
func TestWindowSamples(t *testing.T) {
	for _, claims := range []bool{false, true} {
		t.Run(fmt.Sprintf("claims=%v", claims), func(t *testing.T) {
			known, wanted := 0, 0
			for seed := range uint64(25) {
				g, moments := conversation(seed, 800, claims)
				got, _ := joined(t, g, moments, 100+g.rng.IntN(100), g.rng, func(*WindowSample) {})
				late := maps.Clone(got)
				maps.DeleteFunc(late, func(i int, _ string) bool { return i < 600 })
				compare(t, got, g.want)
				k, w := compare(t, late, g.want)
				known, wanted = known+k, wanted+w
			}
			if known < wanted*8/10 {
				t.Errorf("%d of %d windows are known long after the join", known, wanted)
			}
			t.Logf("%d of %d", known, wanted)
		})
	}
}

// TestWindowSamplesRefused passes samples of places that are not frame boundaries. They have
// no effect.
func TestWindowSamplesRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*WindowSample)
	}{
		{"inside a frame received", func(s *WindowSample) { s.At[Recv]++ }},
		{"inside a frame sent", func(s *WindowSample) { s.At[Send]-- }},
		{"before the join", func(s *WindowSample) { s.At[Recv] = -1 }},
		{"far ahead", func(s *WindowSample) { s.At[Send] += 1 << 40 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, moments := conversation(3, 400, false)
			got, c := joined(t, g, moments, 50, g.rng, tt.edit)
			for i, line := range got {
				if !strings.HasPrefix(line, "?,?,") {
					t.Fatalf("frame %d: windows %s", i, line)
				}
			}
			if c.WindowsKnown() {
				t.Error("windows are known")
			}
		})
	}
}

// TestWindowSampleQuiet passes one sample to a connection that is silent after it.
func TestWindowSampleQuiet(t *testing.T) {
	g, moments := conversation(5, 200, false)
	m := moments[100]
	for _, tt := range []struct {
		name  string
		after time.Duration // of silence
		sent  int           // frames sent in it
		want  bool
	}{
		{"long", 20e6, 0, true},
		{"short", 19e6, 0, false},
		{"not silent", 50e6, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &windowLog{}
			c := NewConn(Config{Role: Client}, r)
			s := m.sample
			s.At = [2]int64{}
			c.Windows(s)
			for _, in := range g.inputs[m.frames:] {
				if in.dir == Send && tt.sent > 0 {
					c.Data(s.Time+1, in.dir, in.data)
					tt.sent--
				}
			}
			c.Quiet(s.Time.Add(tt.after))
			if got := c.WindowsKnown(); got != tt.want {
				t.Errorf("WindowsKnown() = %v, want %v", got, tt.want)
			}
			if got := c.windows.conn; tt.want && got != s.Conn {
				t.Errorf("windows of the connection %v, want %v", got, s.Conn)
			}
		})
	}
}

// TestLists has lists of streams that are useless because frames may be missing, as during
// the search for the first frame boundary.
func TestLists(t *testing.T) {
	c := NewConn(Config{Role: Client}, &recorder{quiet: true})
	before := c.Listing()
	if !c.Lists(before) {
		t.Error("a list is out of date at once")
	}
	c.Data(1, Recv, wire(TypeData, 0, 1, []byte("joined in the middle")))
	c.Gap(2, Recv, 10)
	if c.Lists(before) || !c.Lists(c.Listing()) {
		t.Errorf("listed before a loss: %t, behind it: %t", c.Lists(before), c.Lists(c.Listing()))
	}
}

// TestSetRole joins a connection with DATA only, which does not show who is the client. Its
// streams are trusted after SetRole.
func TestSetRole(t *testing.T) {
	for _, role := range []Role{RoleUnknown, Client, Server} {
		s := &windowSink{}
		c := NewConn(Config{}, s)
		c.SetRole(role)
		data := wire(TypeData, 0, 1, []byte("event"))
		c.Data(1, Recv, data)
		for i := range int64(agreeSamples + 1) { // the first sample proves the boundaries
			c.Windows(WindowSample{
				Time: ktime.Time(0).Add(time.Duration(i) * agreeTime), At: [2]int64{0, int64(len(data))}, Listed: c.Listing(),
				Conn: [2]Credit{{100, true}, {200, true}}, Initial: [2]Credit{{1000, true}, {1000, true}},
				Streams: []StreamSample{{ID: 1, Credit: [2]Credit{{10, true}, {20, true}}, Ended: [2]bool{true, false}}},
			})
		}
		c.Data(2, Recv, data)
		want := Credit{Bytes: 15, Known: true}
		if role == RoleUnknown {
			want = Credit{}
		}
		if got := s.last.StreamRecv; got != want {
			t.Errorf("role %d: %+v left, want %+v", role, got, want)
		}
		if s.broken != nil { // the header section of the response was before
			t.Errorf("role %d: %+v", role, s.broken)
		}
		if c.SetRole(Server); role != RoleUnknown && c.Role() != role {
			t.Errorf("role %d has become %d", role, c.Role())
		}
	}
}
