//go:build linux

package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Connections reads what the kernel holds about connections, and enters Wishes for
// them. Its maps are all its state, so its methods are safe for concurrent use.
type Connections struct {
	byKey       *ebpf.Map // of connections with TLS
	socks       *ebpf.Map // sockets of these, to their keys
	wants       *ebpf.Map // header tables wanted
	windowWants *ebpf.Map
	flowWants   *ebpf.Map // which packets are wanted, nil where none are watched
	counters    *ebpf.Map // the Ledger
}

// Conns lists the connections that the kernel holds. At the very end no later record
// shows a gap, and this list shows what was lost.
func (c *Connections) Conns() ([]ConnState, error) {
	var list []ConnState
	var key probesConnKey
	var v probesConn
	it := c.byKey.Iterate()
	for it.Next(&key, &v) {
		s := ConnState{ID: v.Id, PID: int(key.Tgid), Closed: v.Closed != 0, key: key}
		for d := range v.Dir {
			s.Seq[d], s.Offset[d] = v.Dir[d].Seq, v.Dir[d].Offset
			s.Lost[d], s.LostBytes[d] = Reasons(v.Dir[d].Lost), v.Dir[d].LostBytes
		}
		list = append(list, s)
	}
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return nil, fmt.Errorf("list the connections: %w", err)
	}
	return list, nil
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

// Ledger reads the current account.
func (c *Connections) Ledger() (Ledger, error) {
	var sum Ledger
	perCPU, err := readCounters(c.counters)
	for _, cpu := range perCPU {
		sum.SeenRecords += cpu.SeenRecords
		sum.SeenBytes += cpu.SeenBytes
		for i := range cpu.LostRecords {
			sum.LostRecords[i] += cpu.LostRecords[i]
			sum.LostBytes[i] += cpu.LostBytes[i]
		}
	}
	return sum, err
}

// readCounters returns the counts of each CPU.
func readCounters(m *ebpf.Map) (perCPU []probesLedger, err error) {
	if err = m.Lookup(uint32(0), &perCPU); err != nil {
		err = fmt.Errorf("read the loss counters: %w", err)
	}
	return perCPU, err
}
