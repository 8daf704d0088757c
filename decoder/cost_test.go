//go:build linux

package decoder

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// dull takes what a Conn decodes.
type dull struct{}

func (dull) Protocol(int64, Protocol, bool) {}
func (dull) Frame(*Frame)                   {}
func (dull) Resync(int64, Direction, int64) {}

// floods are what a peer may do on a connection n times, with n streams open.
var floods = map[string]func(c *Conn, n int){
	"windows that overflow": func(c *Conn, n int) {
		c.Data(2, Recv, wire(TypeWindowUpdate, 0, 1, []byte{0x7f, 0, 0, 0}))
		for i := range uint32(n) {
			c.Data(3, Recv, settingsFrame(Setting{SettingInitialWindowSize, 1<<31 - 1 - i&1}))
		}
	},
	"windows that no longer overflow": func(c *Conn, n int) {
		for i := range uint32(n) {
			c.Data(2, Recv, wire(TypeWindowUpdate, 0, 2*i+1, []byte{0x7f, 0, 0, 0}))
			c.Data(3, Recv, wire(TypeRSTStream, 0, 2*i+1, []byte{0, 0, 0, 8}))
			c.Data(3, Recv, settingsFrame(Setting{SettingInitialWindowSize, 1<<31 - 1}))
			c.Data(3, Recv, settingsFrame(Setting{SettingInitialWindowSize, 100}))
		}
	},
}

// TestInsertions inserts into tables of 4 kB and of 64 kB, which hold sixteen times as
// much: an entry costs the same.
func TestInsertions(t *testing.T) {
	insert := func(size int) func(*Conn, int) {
		return func(c *Conn, n int) {
			c.Data(2, Recv, settingsFrame(Setting{SettingHeaderTableSize, maxHeaderTable}))
			c.Data(2, Send, settingsAck)
			update := []byte{0x3f, byte(size-31)&0x7f | 0x80, byte((size-31)>>7)&0x7f | 0x80, byte((size - 31) >> 14)}
			block := append(update, bytes.Repeat([]byte{0x40, 0, 0}, 5000)...)
			for i := range uint32(30) {
				c.Data(3, Send, wire(TypeHeaders, FlagEndHeaders, 2*uint32(n)+2*i+1, block))
			}
		}
	}
	small, large := spend(t, insert(defaultTable), 1), spend(t, insert(maxHeaderTable), 1)
	ratio := float64(large) / float64(small)
	t.Logf("%v, %v where the table is 16 times as large: %.1f times", small, large, ratio)
	if ratio > 4 {
		t.Errorf("a table 16 times as large costs %.0f times as much", ratio)
	}
}

// TestLinearCost floods a Conn with eight times as much, and as many streams: what
// costs eight times as much is linear, what costs sixty-four is not.
func TestLinearCost(t *testing.T) {
	const n = 2000
	for name, flood := range floods {
		few, many := spend(t, flood, n), spend(t, flood, 8*n)
		ratio := float64(many) / float64(few)
		t.Logf("%s: %v, %v for 8 times as much: %.1f times", name, few, many, ratio)
		if ratio > 40 {
			t.Errorf("%s: eight times as much costs %.0f times as much", name, ratio)
		}
	}
}

// spend returns the CPU time that a flood takes, the least of several.
func spend(t *testing.T, flood func(*Conn, int), n int) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	least := time.Duration(1 << 62)
	for range 2 {
		c := NewConn(Config{Role: Client, FromStart: true}, dull{})
		for _, in := range handshake() {
			c.Data(in.at, in.dir, in.data)
		}
		for i := range uint32(n) {
			c.Data(1, Send, wire(TypeHeaders, FlagEndHeaders, 2*i+1, []byte{0x82}))
		}
		runtime.GC()
		before := threadTime(t)
		flood(c, n)
		least = min(least, threadTime(t)-before)
	}
	return least
}

// threadTime returns the CPU time of this thread, to the nanosecond.
func threadTime(t *testing.T) time.Duration {
	const clock = 3 // CLOCK_THREAD_CPUTIME_ID
	var at syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&at)), 0); err != 0 {
		t.Skip("no CPU time of a thread:", err)
	}
	return time.Duration(at.Nano())
}
