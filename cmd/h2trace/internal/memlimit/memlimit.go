// Package memlimit has h2trace fit into the memory that it may have: that of its cgroup
// (cgroups(7)), whose excess the kernel ends by SIGKILL, and of its address space (RLIMIT_AS of
// getrlimit(2)), without which the Go runtime ends it.
package memlimit

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/cgroup"
)

const (
	// base is what h2trace takes without its buffers, while it observes nothing: its program,
	// BPF maps, the heap, and its gatekeeper. It was measured as 36 to 40 MiB.
	base = 40 << 20
	// leastHeap is what connections take at least, and heap what many take.
	leastHeap, heap = 8 << 20, 16 << 20
	// leastBuffer is the smallest buffer that is chosen for lack of memory.
	leastBuffer = 1 << 20
	// kernel is the part of base that the Go runtime does not manage.
	kernel = 24 << 20
	// addresses is what h2trace takes of its address space, without its buffers. Each further
	// CPU takes more.
	addresses = 1900 << 20
)

// Limits says how much memory h2trace may have; math.MaxUint64 is no limit.
type Limits struct {
	Memory    uint64
	From      string // says Memory
	Addresses uint64
}

// Read reads the limits of this process.
func Read() Limits {
	l := Limits{Memory: math.MaxUint64, Addresses: math.MaxUint64}
	if n, from, ok := cgroup.MemoryLimit(); ok {
		l.Memory, l.From = n, from
	}
	var as unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &as); err == nil {
		l.Addresses = as.Cur // RLIM_INFINITY is math.MaxUint64
	}
	return l
}

// Fit returns the size of the buffers with which h2trace stays below the limits: the wanted one, or
// the largest power of two below it. It fails where there is no such size.
func (l Limits) Fit(wanted, buffers int) (size int, err error) {
	if need := addresses + 2*uint64(wanted)*uint64(buffers); l.Addresses < need { // the ring is mapped twice
		return 0, fmt.Errorf("observing needs %s of address space, and the limit is %s: raise it with ulimit -v", Size(need), Size(l.Addresses))
	}
	size = wanted
	for size > leastBuffer && l.Memory < base+heap+uint64(size)*uint64(buffers) {
		size /= 2
	}
	if need := base + leastHeap + uint64(size)*uint64(buffers); l.Memory < need {
		return 0, fmt.Errorf("observing needs %s of memory, and %s allows %s: raise it, or the kernel ends h2trace", Size(need), l.From, Size(l.Memory))
	}
	return size, nil
}

// Heap returns how much memory the Go runtime should keep to, beside buffers of a size. It returns
// math.MaxInt64 for no limit.
func (l Limits) Heap(size, buffers int) int64 {
	other := kernel + uint64(size)*uint64(buffers)
	if l.Memory >= math.MaxInt64 || l.Memory <= other {
		return math.MaxInt64
	}
	return int64(l.Memory - other)
}

// Keep has the Go runtime collect garbage more often near the limit, unless the user has set
// another one (GOMEMLIMIT).
func (l Limits) Keep(size, buffers int) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(l.Heap(size, buffers))
	}
}

// Size writes a size in MiB, as flags take it.
func Size[N int | uint64](n N) string {
	const unit = 1 << 20
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%dMiB", n/unit)
}
