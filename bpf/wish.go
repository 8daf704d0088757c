package bpf

import "time"

// Wish is what is wanted of a connection. Each part replaces the previous one, and a
// nil part changes nothing.
type Wish struct {
	// Tables are the numbers of HPACK tables wanted, by direction.
	Tables *[2]uint32
	// Windows asks for the windows of an HTTP/2 connection.
	Windows *WindowWish
	// Payload says which of its bytes are wanted, where they come from packets.
	Payload *PayloadWish
}

// WindowWish asks for Windows of a connection: at most so many samples, one in each
// interval, with the given streams of those that OpenStreams returned.
type WindowWish struct {
	Samples  int // 0: no more
	Interval time.Duration
	Streams  []uint64
}

// PayloadWish is which bytes of packets need not be copied. Before it arrives, or when
// there is no room for it, all are copied.
type PayloadWish struct {
	// Until are offsets, by direction: payload that ends before them is skipped.
	Until [2]uint64
	// Nothing ends the reporting of a connection for good. Its Close still counts its
	// bytes.
	Nothing bool
}

// Entry is the kernel's entry of a connection. With only an ID it stands for the
// wishes for a connection.
type Entry struct {
	ID  uint64
	key probesConnKey
}

// Entry returns the entry of the connection that ended.
func (c *Close) Entry() Entry {
	if wireOf(c.Conn) != WireNone {
		return Entry{ID: c.Conn}
	}
	return Entry{c.Conn, c.key}
}

// Entry returns the entry of a connection whose close record was lost.
func (s *ConnState) Entry() Entry { return Entry{s.ID, s.key} }

// ConnState is what the kernel holds of one connection.
type ConnState struct {
	ID     uint64
	PID    int
	Closed bool
	Totals

	key probesConnKey
}
