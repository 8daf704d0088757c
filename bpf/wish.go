package bpf

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

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

// Wish passes the wish for a connection to the kernel. It returns false when too many
// connections want windows.
func (c *Connections) Wish(conn uint64, w Wish) (room bool, err error) {
	room = true
	if w.Tables != nil {
		err = c.wishTables(conn, *w.Tables)
	}
	if w.Windows != nil {
		var windowsErr error
		room, windowsErr = c.wishWindows(conn, w.Windows)
		err = errors.Join(err, windowsErr)
	}
	if w.Payload != nil {
		err = errors.Join(err, c.wishPayload(conn, w.Payload))
	}
	return room, err
}

func (c *Connections) wishTables(conn uint64, tables [2]uint32) error {
	var err error
	if tables == [2]uint32{} {
		err = c.wants.Delete(conn)
	} else {
		err = c.wants.Put(conn, probesWant{Left: tables})
	}
	if _, err = entered(err); err != nil { // without room headers stay unknown
		return fmt.Errorf("ask for header tables: %w", err)
	}
	return nil
}

func (c *Connections) wishWindows(conn uint64, w *WindowWish) (room bool, err error) {
	if w.Samples == 0 {
		err = c.windowWants.Delete(conn)
	} else {
		want := probesWindowWant{Left: uint32(w.Samples), Interval: uint64(w.Interval.Nanoseconds())}
		want.Count = uint32(copy(want.Streams[:], w.Streams))
		err = c.windowWants.Put(conn, want)
	}
	if room, err = entered(err); err != nil {
		return false, fmt.Errorf("ask for windows: %w", err)
	}
	return room, nil
}

func (c *Connections) wishPayload(conn uint64, w *PayloadWish) error {
	if c.flowWants == nil || conn&packetConn == 0 {
		return nil
	}
	v := packetsFlowWant{Until: w.Until}
	if w.Nothing {
		v.Nothing = 1
	}
	if _, err := entered(c.flowWants.Update(conn&^packetConn, v, ebpf.UpdateLock)); err != nil {
		return fmt.Errorf("say what is wanted of a connection: %w", err)
	}
	return nil
}

// entered filters the error of entering an element in a map, or of deleting it: a
// full map and a missing element are no errors.
func entered(err error) (room bool, _ error) {
	switch {
	case errors.Is(err, unix.E2BIG):
		return false, nil
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return true, nil
	}
	return err == nil, err
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

// Forget frees an entry, unless a newer connection has taken its address meanwhile,
// and the wishes for its payload.
func (c *Connections) Forget(e Entry) error {
	var err error
	switch {
	case e.ID&packetConn == 0:
		_, err = entered(c.forget(e))
	case c.flowWants != nil:
		_, err = entered(c.flowWants.Delete(e.ID &^ packetConn))
	}
	if err != nil {
		return fmt.Errorf("free a connection's entry: %w", err)
	}
	return nil
}

func (c *Connections) forget(e Entry) error {
	if e.key == (probesConnKey{}) {
		return nil
	}
	var v probesConn
	if err := c.byKey.Lookup(e.key, &v); err != nil || v.Id != e.ID {
		return err
	}
	if err := c.byKey.Delete(e.key); err != nil || v.Sk == 0 {
		return err
	}
	var owner probesConnKey
	if c.socks.Lookup(v.Sk, &owner) == nil && owner == e.key {
		return c.socks.Delete(v.Sk)
	}
	return nil
}
