// Package ktime has a type for the times of what is observed, apart from wall times and
// durations. It reads no clock: the caller of each package says when bytes came, by any
// clock that does not go back, the same one for all. That of h2trace is the kernel's
// CLOCK_MONOTONIC. Capture files have Unix time, as the zero Clock makes it:
//
//	at := ktime.Clock{}.Time(time.Now())
package ktime

import "time"

// Time is a time in nanoseconds since the 0 of its clock. The zero Time is unknown, or not
// reached.
type Time int64

// Sub returns the duration t-u. It has no meaning unless both times are known.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Add returns the time t+d.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Clock converts times to wall times. It adds one constant, so that times keep their order
// and distances even if the wall clock is set. For the zero Clock, time 0 is the Unix
// epoch.
type Clock struct{ zero int64 } // Unix nanoseconds of time 0

// NewClock returns the Clock that converts the time at to the wall time wall.
func NewClock(at Time, wall time.Time) Clock { return Clock{wall.UnixNano() - int64(at)} }

// Wall returns the wall time of a time.
func (c Clock) Wall(t Time) time.Time { return time.Unix(0, c.zero+int64(t)) }

// Time returns the time of a wall time.
func (c Clock) Time(wall time.Time) Time { return Time(wall.UnixNano() - c.zero) }
