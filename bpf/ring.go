//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ring reads a BPF ring buffer in place: a sample is the memory that the kernel wrote.
// The reader of cilium/ebpf copies each sample. The zero value is closed.
//
// The layout is that of kernel/bpf/ringbuf.c: a page with the position up to which user
// space has read, which is writable, a page with the position up to which the kernel has
// reserved records, and the data, twice, so that no record wraps around.
type ring struct {
	fd       int
	consumer []byte
	rest     []byte // the page of the kernel's position, and the data
	data     []byte
	read     uint64 // position after the last sample
	freed    uint64 // position up to which the kernel may write again
}

const (
	ringHeaderSize = 8
	// ringBusy and ringDiscard are bits of the length of a record.
	ringBusy    = unix.BPF_RINGBUF_BUSY_BIT
	ringDiscard = unix.BPF_RINGBUF_DISCARD_BIT
	// busyLooks is how often the reader looks at a record that a program is writing, some
	// microseconds, before it sleeps for busyPause: the program may be preempted.
	busyLooks = 1 << 12
	busyPause = 20 * time.Microsecond
	// freeShift says how often the reader frees what it has read: after each part of
	// the buffer of 1 >> freeShift. The programs read that position for each record,
	// and pay for each change of it.
	freeShift = 8
)

// open maps the buffer of m.
func (r *ring) open(m *ebpf.Map) error {
	page := os.Getpagesize()
	consumer, err := unix.Mmap(m.FD(), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the reader's position: %w", err)
	}
	rest, err := unix.Mmap(m.FD(), int64(page), page+2*int(m.MaxEntries()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return errors.Join(fmt.Errorf("map the data: %w", err), unix.Munmap(consumer))
	}
	*r = ring{fd: m.FD(), consumer: consumer, rest: rest, data: rest[page:]}
	r.read = atomic.LoadUint64(position(r.consumer))
	r.freed = r.read
	return nil
}

func (r *ring) close() error {
	if r.rest == nil {
		return nil
	}
	err := errors.Join(unix.Munmap(r.rest), unix.Munmap(r.consumer))
	*r = ring{}
	return err
}

// position returns the position in the first bytes of a page.
func position(page []byte) *uint64 { return (*uint64)(unsafe.Pointer(unsafe.SliceData(page))) }

// empty reports whether there is no record.
func (r *ring) empty() bool { return r.read == atomic.LoadUint64(position(r.rest)) }

// backlog returns how many bytes are not read yet.
func (r *ring) backlog() uint64 { return atomic.LoadUint64(position(r.rest)) - r.read }

// next returns the next sample, or nil. It is read-only memory, and valid until the next
// call of a method.
func (r *ring) next() []byte {
	size := uint64(len(r.data)) / 2
	if r.read-r.freed >= size>>freeShift {
		r.free()
	}
	for !r.empty() {
		at := r.read & (size - 1)
		length := written((*uint32)(unsafe.Pointer(&r.data[at])))
		n := uint64(length &^ ringDiscard)
		r.read += ringHeaderSize + (n+7)&^7
		if length&ringDiscard == 0 {
			return r.data[at+ringHeaderSize : at+ringHeaderSize+n]
		}
	}
	return nil
}

// written returns the length of a record, once the kernel has written that.
func written(header *uint32) uint32 {
	for looks := 1; ; looks++ {
		length := atomic.LoadUint32(header) // the kernel clears the bit last
		if length&ringBusy == 0 {
			return length
		}
		if looks%busyLooks == 0 {
			time.Sleep(busyPause)
		}
	}
}

// free lets the kernel write where all samples were.
func (r *ring) free() {
	if r.freed != r.read {
		r.freed = r.read
		atomic.StoreUint64(position(r.consumer), r.read)
	}
}

// wait returns when the kernel wakes the reader, when there is a record, or after some
// time.
func (r *ring) wait(timeout time.Duration) error { return r.waitOr(-1, timeout) }

// waitOr is wait, and returns when another descriptor can be read, too, which may be -1.
func (r *ring) waitOr(other int, timeout time.Duration) error {
	r.free()
	ts := unix.NsecToTimespec(max(0, timeout.Nanoseconds()))
	_, err := unix.Ppoll([]unix.PollFd{
		{Fd: int32(r.fd), Events: unix.POLLIN}, {Fd: int32(other), Events: unix.POLLIN},
	}, &ts, nil)
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return os.NewSyscallError("ppoll", err)
}
