package bpf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
)

// Connections are what the kernel holds of connections, and what is wished of them. Its
// maps are all its state, so its methods are safe for concurrent use.
type Connections struct {
	byKey       *ebpf.Map // of connections with TLS
	socks       *ebpf.Map // their sockets, to their keys
	missed      *ebpf.Map // connections that are to begin again
	wants       *ebpf.Map // of header tables
	windowWants *ebpf.Map
	bodies      *ebpf.Map // what is left out of connections with TLS
	flowWants   *ebpf.Map // of those without, nil where packets are not watched
	counters    *ebpf.Map // the Ledger
}

// ConnState is what the kernel holds of one connection.
type ConnState struct {
	ID     uint64
	PID    int
	Closed bool
	// Handshake says that it was seen from before its TLS handshake.
	Handshake bool
	Totals

	key probesConnKey
}

// Conns lists the connections that the kernel holds: to find what was lost at
// the very end, when no later record shows a gap.
func (c *Connections) Conns() ([]ConnState, error) {
	var list []ConnState
	var key probesConnKey
	var v probesConn
	it := c.byKey.Iterate()
	for it.Next(&key, &v) {
		s := ConnState{ID: v.Id, PID: int(key.Tgid), Closed: v.Closed != 0, Handshake: v.Handshake != 0, key: key}
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

// markMissed tells the kernel which connections are to begin again: all, or
// those that were seen from their handshake on.
func (c *Connections) markMissed(pids []int, fromStart bool) error {
	conns, err := c.Conns()
	for _, s := range conns {
		if err == nil && !s.Closed && (s.Handshake || !fromStart) && slices.Contains(pids, s.PID) {
			err = c.missed.Put(s.ID, uint8(1))
		}
	}
	if err != nil {
		return fmt.Errorf("mark the connections that missed bytes: %w", err)
	}
	return nil
}
