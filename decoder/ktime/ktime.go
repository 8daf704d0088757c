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
