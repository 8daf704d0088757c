package bpf

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"h2trace/bpf/layout"
	"h2trace/decoder/ktime"
)

// Reader reads the events that the programs put into the ring buffer. It is for one
// goroutine.
type Reader struct {
	ring   *ringbuf.Reader
	idle   *ebpf.Variable // asks the programs for a wake-up
	sample ringbuf.Record
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
const gatherTime = 20 * time.Millisecond

// Read returns the next event. Without one it waits up to the given time; then the
// error is ErrNoRecord.
func (r *Reader) Read(wait time.Duration) (Event, error) {
	if r.ring.AvailableBytes() == 0 {
		if r.gathering {
			r.gathering = false
			if e, err := r.readWithin(min(gatherTime, wait)); !errors.Is(err, ErrNoRecord) {
				return e, err
			}
		}
		return r.readIdle(wait)
	}
	return r.read()
}

// readIdle waits for the first record after an idle time.
func (r *Reader) readIdle(wait time.Duration) (Event, error) {
	if err := r.idle.Set(uint32(1)); err != nil {
		return nil, fmt.Errorf("ask for a wake-up: %w", err)
	}
	e, err := r.readWithin(wait)
	return e, errors.Join(err, r.idle.Set(uint32(0)))
}

func (r *Reader) readWithin(wait time.Duration) (Event, error) {
	if r.ring.AvailableBytes() > 0 {
		wait = 0
	}
	now, err := kernelTime()
	if err != nil {
		return nil, err
	}
	r.ring.SetDeadline(time.Now().Add(wait))
	e, err := r.read()
	if errors.Is(err, ErrNoRecord) {
		r.until = max(r.until, now.Add(wait))
	}
	return e, err
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

// read takes samples until one is an event, or completes one.
func (r *Reader) read() (Event, error) {
	for {
		err := r.ring.ReadInto(&r.sample)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, ErrNoRecord
		}
		if err != nil {
			return nil, fmt.Errorf("read the ring buffer: %w", err)
		}
		r.gathering = true
		e, err := r.parser.parse(r.sample.RawSample)
		if err != nil {
			return nil, err
		}
		if e != nil {
			r.until = max(r.until, e.Header().Time)
			return e, nil
		}
	}
}

// openRing maps the ring buffer.
func (r *Reader) openRing(ring *ebpf.Map, idle *ebpf.Variable, layoutAt func(uint32) connLayout, tlsAt func(uint32) *layout.TLS) error {
	var err error
	if r.ring, err = ringbuf.NewReader(ring); err != nil {
		return fmt.Errorf("map the ring buffer: %w", err)
	}
	r.ring.SetDeadline(time.Now()) // without a limit it would wait forever
	r.idle, r.parser.layoutAt, r.parser.tlsAt = idle, layoutAt, tlsAt
	return nil
}

func (r *Reader) closeRing() error {
	if r.ring == nil {
		return nil
	}
	return r.ring.Close()
}
