// Package ktime has types for times of the kernel's clock, apart from wall times and
// durations. It reads no clock.
package ktime

import "time"

// Time is a time of the kernel's CLOCK_MONOTONIC, in nanoseconds since its 0. The zero
// Time is unknown, or not reached.
type Time int64

// Sub returns the duration t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Add returns the time t+d.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Clock converts kernel times to wall times. It adds one constant, so that times keep
// their order and distances even if the wall clock is set. For the zero Clock, kernel
// time 0 is the Unix epoch.
type Clock struct{ zero int64 } // Unix nanoseconds of kernel time 0

// NewClock returns the Clock that converts the kernel time at to the wall time wall.
func NewClock(at Time, wall time.Time) Clock { return Clock{wall.UnixNano() - int64(at)} }

// Wall returns the wall time of a kernel time.
func (c Clock) Wall(t Time) time.Time { return time.Unix(0, c.zero+int64(t)) }
