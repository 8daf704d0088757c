//go:build linux

// Package cost measures what tests cost, in CPU time.
package cost

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// Of returns the CPU time that the prepared work takes, the least of two times. Nothing
// but this work is in it: it is that of a thread, and without garbage collection.
func Of(t *testing.T, prepare func() (work func())) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	least := time.Duration(1 << 62)
	for range 2 {
		work := prepare()
		runtime.GC()
		before := threadTime(t)
		work()
		least = min(least, threadTime(t)-before)
	}
	return least
}

// Linear demands that work of n, of several kinds, costs as much as there is of it: for
// eight times as much some eight times, and not sixty-four.
func Linear(t *testing.T, n int, prepare map[string]func(n int) (work func())) {
	t.Helper()
	for name, of := range prepare {
		few := Of(t, func() func() { return of(n) })
		many := Of(t, func() func() { return of(8 * n) })
		ratio := float64(many) / float64(few)
		t.Logf("%s: %v, %v for 8 times as much: %.1f times", name, few, many, ratio)
		if ratio > 40 {
			t.Errorf("%s: eight times as much costs %.0f times as much", name, ratio)
		}
	}
}

// threadTime returns the CPU time of this thread, to the nanosecond.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	const clock = 3 // CLOCK_THREAD_CPUTIME_ID
	var at syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&at)), 0); err != 0 {
		t.Skip("no CPU time of a thread:", err)
	}
	return time.Duration(at.Nano())
}
