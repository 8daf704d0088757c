// Package ktime tells times of the kernel's clock from wall times and durations. It
// reads no clock.
package ktime

import "time"

// Time is a moment on the kernel's CLOCK_MONOTONIC, in nanoseconds since that was 0.
// The zero Time is a moment that is not known, or not reached.
type Time int64

// Sub returns the duration from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Add returns the moment d after t.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Clock relates kernel times to wall times. It does so by one difference, so that
// times keep their order and distances also when the wall clock is set meanwhile.
// To the zero Clock the kernel's clock was 0 at the Unix epoch.
type Clock struct{ zero int64 } // Unix nanoseconds of kernel time 0

// NewClock returns the Clock to which the kernel time at is the wall time wall.
func NewClock(at Time, wall time.Time) Clock { return Clock{wall.UnixNano() - int64(at)} }

// Wall returns the wall time of a kernel time.
func (c Clock) Wall(t Time) time.Time { return time.Unix(0, c.zero+int64(t)) }
