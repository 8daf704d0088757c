package ktime

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	wall := time.Date(2024, 2, 29, 12, 0, 0, 1, time.UTC)
	const at Time = 5_000_000_007
	later := at.Add(1500 * time.Millisecond)
	if got, want := later.Sub(at), 1500*time.Millisecond; got != want {
		t.Errorf("got %v from one to the other, want %v", got, want)
	}
	tests := []struct {
		name  string
		clock Clock
		at    Time
		want  time.Time
	}{
		{"known moment", NewClock(at, wall), at, wall},
		{"after it", NewClock(at, wall), later, wall.Add(1500 * time.Millisecond)},
		{"before it", NewClock(at, wall), at.Add(-time.Hour), wall.Add(-time.Hour)},
		{"zero clock", Clock{}, at, time.Unix(5, 7)},
		{"before the Unix epoch", NewClock(at, time.Unix(0, -1)), at, time.Unix(-1, 999_999_999)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.clock.Wall(tt.at); !got.Equal(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := tt.clock.Time(tt.want); got != tt.at {
				t.Errorf("got %v for that wall time, want %v", got, tt.at)
			}
		})
	}
}
