//go:build linux

package trace

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder/ktime"
)

// newClock measures what wall time the kernel's clock has. A clockWatch has it follow.
func newClock() (ktime.Clock, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return ktime.Clock{}, fmt.Errorf("read CLOCK_MONOTONIC: %w", err)
	}
	at, wall, _ := wallTime()
	return ktime.NewClock(at, wall), nil
}

// wallTime measures which wall time a kernel time is: a few times, and it returns the measurement
// with the least delay in it.
func wallTime() (at ktime.Time, wall time.Time, delay time.Duration) {
	delay = math.MaxInt64
	for range 16 {
		before := monotonic()
		now := time.Now()
		after := monotonic()
		if took := after.Sub(before); took < delay {
			at, wall, delay = before.Add(took/2), now, took
		}
	}
	return at, wall, delay
}

// clockWatch has a clock follow the wall clock where somebody sets that, and after the system was
// suspended: CLOCK_MONOTONIC stands still meanwhile. NTP that only slews the wall clock slews
// CLOCK_MONOTONIC alike (clock_gettime(2)).
type clockWatch struct {
	clock    ktime.Clock
	wallTime func() (at ktime.Time, wall time.Time, delay time.Duration)
	msg      *message.Printer
}

// clockTolerance is how far wall times may be from the wall clock: more than what a measurement
// with a delay of a tenth of it is wrong by.
const clockTolerance = 10 * time.Millisecond

// look compares the clocks.
func (w *clockWatch) look() {
	at, wall, delay := w.wallTime()
	off := w.clock.Off(at, wall)
	if delay > clockTolerance/10 || off.Abs() <= clockTolerance {
		return
	}
	w.clock.Set(at, wall)
	if off > 0 {
		w.msg.Infof("the wall clock was set %v forward, or the system was suspended: times of events follow it", off.Round(time.Millisecond))
	} else {
		w.msg.Infof("the wall clock was set %v back: times of events pass half as fast until they agree with it", -off.Round(time.Millisecond))
	}
}

// monotonic returns the kernel time. Where newClock could read the clock, this can:
// clock_gettime(2) fails by its arguments alone.
func monotonic() ktime.Time {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ktime.Time(ts.Nano())
}
