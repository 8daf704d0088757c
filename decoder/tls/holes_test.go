package tls_test

import (
	"runtime"
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// TestManyHoles has every other byte missing while the connection waits for its secrets.
func TestManyHoles(t *testing.T) {
	conv := tls13.record(t, []int{10, 10})
	c, r := tls.New(tls.NewBudget(1<<20), tls.NewSessions()), &result{}
	for i, s := range conv.segments {
		c.Data(ktime.Time(i), s.dir, s.b)
		r.drain(c)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 500_000 {
		c.Data(ktime.Time(100+i), decoder.Recv, []byte{0x17})
		c.Missing(ktime.Time(100+i), decoder.Recv, 1)
		r.drain(c)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := int64(after.HeapAlloc) - int64(before.HeapAlloc); got > 2<<20 {
		t.Errorf("the connection keeps %d bytes", got)
	}
	r.tell(c, conv)
	runtime.KeepAlive(c)
}
