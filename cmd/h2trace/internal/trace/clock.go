package trace

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// clock turns the kernel's CLOCK_MONOTONIC into wall time. The difference is
// taken once, so that times of one run keep their order and distances also
// when the wall clock is set meanwhile.
type clock struct{ offset int64 }

// newClock measures the difference a few times and keeps the measurement with
// the least delay in it.
func newClock() (clock, error) {
	var c clock
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return c, fmt.Errorf("read CLOCK_MONOTONIC: %w", err)
	}
	best := int64(1 << 62)
	for range 16 {
		before := monotonic()
		wall := time.Now().UnixNano()
		after := monotonic()
		if after-before < best {
			best = after - before
			c.offset = wall - (before + best/2)
		}
	}
	return c, nil
}

// wall returns the Unix time in nanoseconds of a kernel time.
func (c clock) wall(monotonic int64) int64 { return monotonic + c.offset }

// monotonic returns the kernel time in nanoseconds. Where newClock could read the
// clock, this can: clock_gettime(2) fails by its arguments alone.
func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}
