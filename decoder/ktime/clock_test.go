package ktime

import (
	"testing"
	"time"
)

// TestClockSet sets the wall clock forward and back, many times. Wall times never go back, keep those
// from before, and agree with the wall clock in the end.
func TestClockSet(t *testing.T) {
	const tick = time.Second
	wall := time.Unix(1_800_000_000, 0)
	c, now := NewClock(0, wall), Time(0)
	last := c.Wall(now)
	var times []time.Time
	for i := range 40 {
		set := []time.Duration{time.Hour, -10 * time.Second, -time.Second, 3 * time.Second}[i%4]
		wall = wall.Add(set)
		if got := c.Off(now, wall); got != set {
			t.Errorf("set %v: got %v", set, got)
		}
		c.Set(now, wall)
		if got := c.Off(now, wall); got != 0 {
			t.Errorf("after it was set %v: still off by %v", set, got)
		}
		for range 10 {
			got := c.Wall(now)
			if got.Before(last) {
				t.Fatalf("time goes back from %v to %v", last, got)
			}
			if back := c.Time(got); back != now {
				t.Errorf("got %d for the wall time of %d", back, now)
			}
			last, times = got, append(times, got)
			now, wall = now.Add(tick), wall.Add(tick)
		}
	}
	for i, want := range times {
		if got := c.Wall(Time(i) * Time(tick)); !got.Equal(want) {
			t.Fatalf("got %v for a time that was %v", got, want)
		}
	}
	now, wall = now.Add(time.Hour), wall.Add(time.Hour)
	if got := c.Wall(now); !got.Equal(wall) {
		t.Errorf("an hour later: got %v, want %v", got, wall)
	}
}

// TestClockSetOften has the oldest times forgotten, and not those of now.
func TestClockSetOften(t *testing.T) {
	c := NewClock(0, time.Unix(1000, 0))
	for i := range Time(10 * maxSpans) {
		c.Set(i, time.Unix(2000+int64(i), 0))
	}
	if got, want := c.Wall(10*maxSpans-1), time.Unix(2000+10*maxSpans-1, 0); !got.Equal(want) || len(*c.spans.Load()) != maxSpans {
		t.Errorf("got %v, want %v; %d spans", got, want, len(*c.spans.Load()))
	}
	if c.Wall(0).After(c.Wall(1)) {
		t.Error("time goes back")
	}
	Clock{}.Set(1, time.Unix(5, 0)) // is never set
	if got := (Clock{}).Wall(1); !got.Equal(time.Unix(0, 1)) {
		t.Errorf("the zero clock says %v", got)
	}
}
