//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"h2trace/bpf/layout"
	"h2trace/decoder/ktime"
)

// Reader reads the events that the programs put into the ring buffer. It is for one
// goroutine.
type Reader struct {
	ring   ring
	idle   *ebpf.Variable // asks the programs for a wake-up
	parser parser
	// until is the result of ReadUntil.
	until ktime.Time
	// gathering says that Read took a record since its last pause.
	gathering bool
}

// ErrNoRecord is returned by Read when the wait ended without a record.
var ErrNoRecord = errors.New("no record")

// gatherTime is how long Read lets records gather in the kernel after it has emptied
// the ring. The kernel ends the pause when the backlog grows.
const gatherTime = 40 * time.Millisecond

// Read returns the next event. Without one it waits up to the given time; then the
// error is ErrNoRecord.
func (r *Reader) Read(wait time.Duration) (Event, error) {
	e, err := r.take()
	if e == nil && err == nil && r.gathering {
		r.gathering = false
		e, err = r.takeWithin(min(gatherTime, wait))
	}
	if e == nil && err == nil {
		e, err = r.takeIdle(wait)
	}
	if e == nil && err == nil {
		err = ErrNoRecord
	}
	return e, err
}

// takeIdle waits for the first record after an idle time.
func (r *Reader) takeIdle(wait time.Duration) (Event, error) {
	if err := r.idle.Set(uint32(1)); err != nil {
		return nil, fmt.Errorf("ask for a wake-up: %w", err)
	}
	e, err := r.takeWithin(wait)
	return e, errors.Join(err, r.idle.Set(uint32(0)))
}

// takeWithin is take, and waits up to the given time.
func (r *Reader) takeWithin(wait time.Duration) (Event, error) {
	now, err := kernelTime()
	if err != nil {
		return nil, err
	}
	end := now.Add(wait)
	for {
		if e, err := r.take(); e != nil || err != nil {
			return e, err
		}
		if now >= end {
			r.until = max(r.until, end)
			return nil, nil
		}
		if err := r.ring.wait(end.Sub(now)); err != nil {
			return nil, err
		}
		if now, err = kernelTime(); err != nil {
			return nil, err
		}
	}
}

// kernelTime returns the current time of the kernel side.
func kernelTime() (ktime.Time, error) {
	var ts unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ktime.Time(ts.Nano()), os.NewSyscallError("clock_gettime", err)
}

// ReadUntil returns a kernel time: everything that the kernel recorded before it has
// been read. It lags behind the clock while this process gets no CPU time and unread
// records wait in the buffer.
func (r *Reader) ReadUntil() ktime.Time { return r.until }

// take takes samples until one is an event, or completes one. It returns nil if there
// is none.
func (r *Reader) take() (Event, error) {
	for sample := r.ring.next(); sample != nil; sample = r.ring.next() {
		r.gathering = true
		e, err := r.parser.parse(sample)
		if err != nil {
			return nil, err
		}
		if e != nil {
			r.until = max(r.until, e.Header().Time)
			return e, nil
		}
	}
	return nil, nil
}

// openRing maps the ring buffer.
func (r *Reader) openRing(ring *ebpf.Map, idle *ebpf.Variable, layoutAt func(uint32) connLayout, tlsAt func(uint32) *layout.TLS) error {
	if err := r.ring.open(ring); err != nil {
		return fmt.Errorf("map the ring buffer: %w", err)
	}
	r.idle, r.parser.layoutAt, r.parser.tlsAt = idle, layoutAt, tlsAt
	return nil
}

func (r *Reader) closeRing() error { return r.ring.close() }
