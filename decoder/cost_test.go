//go:build linux

package decoder

import (
	"bytes"
	"testing"

	"h2trace/decoder/internal/cost"
	"h2trace/decoder/ktime"
)

// dull drops what a Conn decodes.
type dull struct{}

func (dull) Protocol(ktime.Time, Protocol, bool) {}
func (dull) Frame(*Frame)                        {}
func (dull) Resync(ktime.Time, Direction, int64) {}

// floods are actions that a peer may repeat n times on a connection with n open streams.
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

// TestInsertions inserts into tables of 4 kB and of 64 kB, which hold sixteen times as much.
// An entry must cost the same.
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
	small := cost.Of(t, func() func() { return onStreams(insert(defaultTable), 1) })
	large := cost.Of(t, func() func() { return onStreams(insert(maxHeaderTable), 1) })
	ratio := float64(large) / float64(small)
	t.Logf("%v, %v where the table is 16 times as large: %.1f times", small, large, ratio)
	if ratio > 4 {
		t.Errorf("a table 16 times as large costs %.0f times as much", ratio)
	}
}

// TestLinearCost floods a Conn.
func TestLinearCost(t *testing.T) {
	kinds := make(map[string]func(int) func())
	for name, flood := range floods {
		kinds[name] = func(n int) func() { return onStreams(flood, n) }
	}
	cost.Linear(t, 2000, kinds)
}

// onStreams returns a flood of a Conn with n streams open.
func onStreams(flood func(*Conn, int), n int) func() {
	c := NewConn(Config{Role: Client, FromStart: true}, dull{})
	for _, in := range handshake() {
		c.Data(in.at, in.dir, in.data)
	}
	for i := range uint32(n) {
		c.Data(1, Send, wire(TypeHeaders, FlagEndHeaders, 2*i+1, []byte{0x82}))
	}
	return func() { flood(c, n) }
}
