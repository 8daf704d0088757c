package memlimit

import (
	"math"
	"runtime/debug"
	"strings"
	"testing"
)

const mib = 1 << 20

// TestFit fits buffers into limits.
func TestFit(t *testing.T) {
	const none = math.MaxUint64
	for _, tt := range []struct {
		name              string
		memory, addresses uint64
		wanted, buffers   int
		want              int
		err               string
	}{
		{"no limit", none, none, 16 * mib, 1, 16 * mib, ""},
		{"large", 72 * mib, none, 16 * mib, 1, 16 * mib, ""},
		{"smaller buffer", 72*mib - 1, none, 16 * mib, 1, 8 * mib, ""},
		{"two buffers", 72 * mib, none, 16 * mib, 2, 8 * mib, ""},
		{"far smaller", 128 * mib, none, 2048 * mib, 1, 64 * mib, ""},
		{"small is kept", 72 * mib, none, 64 << 10, 1, 64 << 10, ""},
		{"smallest", 49 * mib, none, 16 * mib, 1, mib, ""},
		{"none fits", 49*mib - 1, none, 16 * mib, 1, 0, "observing needs 49MiB of memory, and memory.max allows 48MiB"},
		{"none of two fits", 49 * mib, none, 16 * mib, 2, 0, "observing needs 50MiB of memory"},
		{"zero", 0, none, 16 * mib, 1, 0, "memory.max allows 0 bytes"},
		{"address space", none, 1932 * mib, 16 * mib, 1, 16 * mib, ""},
		{"little address space", none, 1932*mib - 1, 16 * mib, 1, 0, "observing needs 1932MiB of address space, and the limit is 1931MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Limits{tt.memory, "memory.max", tt.addresses}.Fit(tt.wanted, tt.buffers)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %d, %v, want %d, %q", got, err, tt.want, tt.err)
			}
		})
	}
}

// TestHeap leaves the rest of the memory to the Go runtime, unless the user has limited that.
func TestHeap(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for _, tt := range []struct {
		memory uint64
		set    string
		want   int64
	}{
		{math.MaxUint64, "", math.MaxInt64},
		{64 * mib, "", 32 * mib},
		{8 * mib, "", math.MaxInt64}, // does not pass Fit
		{64 * mib, "1GiB", before},
	} {
		t.Setenv("GOMEMLIMIT", tt.set)
		debug.SetMemoryLimit(before)
		Limits{Memory: tt.memory}.Keep(8*mib, 1)
		if got := debug.SetMemoryLimit(-1); got != tt.want {
			t.Errorf("limit %d, GOMEMLIMIT %q: got %d, want %d", tt.memory, tt.set, got, tt.want)
		}
	}
}
