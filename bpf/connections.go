package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
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

// ConnState is what the kernel holds of one connection.
type ConnState struct {
	ID     uint64
	PID    int
	Closed bool
	Totals

	key probesConnKey
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
