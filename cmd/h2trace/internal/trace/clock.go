//go:build linux

package trace

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/decoder/ktime"
)

// newClock measures what wall time the kernel's clock has, once for the whole run: a
// few times, and keeps the measurement with the least delay in it.
func newClock() (ktime.Clock, error) {
	var c ktime.Clock
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return c, fmt.Errorf("read CLOCK_MONOTONIC: %w", err)
	}
	least := time.Duration(math.MaxInt64)
	for range 16 {
		before := monotonic()
		wall := time.Now()
		after := monotonic()
		if took := after.Sub(before); took < least {
			least = took
			c = ktime.NewClock(before.Add(took/2), wall)
		}
	}
	return c, nil
}

// monotonic returns the kernel time. Where newClock could read the clock, this can:
// clock_gettime(2) fails by its arguments alone.
func monotonic() ktime.Time {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ktime.Time(ts.Nano())
}
