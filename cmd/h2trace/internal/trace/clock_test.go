//go:build linux

package trace

import (
	"bytes"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder/ktime"
)

// TestClockWatch sets a wall clock, suspends its system, and has measurements that were delayed.
func TestClockWatch(t *testing.T) {
	var said bytes.Buffer
	now, wall, delay := ktime.Time(1000), time.Unix(1_800_000_000, 0), time.Duration(0)
	w := clockWatch{ktime.NewClock(now, wall), func() (ktime.Time, time.Time, time.Duration) { return now, wall, delay }, message.New(&said, false)}
	pass := func(d time.Duration) { now, wall = now.Add(d), wall.Add(d) }
	for _, tt := range []struct {
		name  string
		set   time.Duration
		delay time.Duration
		after time.Duration // the wall clock less the time of an event
		said  string
	}{
		{"nothing", 0, 0, 0, ""},
		{"less than is noticed", time.Millisecond, 0, time.Millisecond, ""},
		{"back again", -time.Millisecond, 0, 0, ""},
		{"delayed", time.Hour, time.Second, time.Hour, ""},
		{"forward", 0, 0, 0, "h2trace: the wall clock was set 1h0m0s forward, or the system was suspended: times of events follow it\n"},
		{"back", -time.Minute, 0, -time.Minute, "h2trace: the wall clock was set 1m0s back: times of events pass half as fast until they agree with it\n"},
		{"half as fast", 0, 0, -30 * time.Second, ""},
		{"agrees", 0, 0, 0, ""},
	} {
		said.Reset()
		wall, delay = wall.Add(tt.set), tt.delay
		before := w.clock.Wall(now - 1)
		w.look()
		if got := wall.Sub(w.clock.Wall(now)); got != tt.after || said.String() != tt.said {
			t.Errorf("%s: got %v and %q, want %v and %q", tt.name, got, said.String(), tt.after, tt.said)
		}
		if w.clock.Wall(now).Before(before) {
			t.Errorf("%s: time goes back", tt.name)
		}
		pass(time.Minute)
	}
}
