package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// Ledger is the kernel's account of records and payload bytes: all that its
// programs saw, and what of it could not be delivered, by cause.
type Ledger struct {
	SeenRecords, SeenBytes uint64
	LostRecords, LostBytes [reasonCount]uint64
}

// Lost returns the number of records that were not delivered.
func (l Ledger) Lost() (records uint64) {
	for _, n := range l.LostRecords {
		records += n
	}
	return records
}

// Ledger reads the account as it stands now.
func (c *Collector) Ledger() (Ledger, error) {
	var perCPU []probesLedger
	var sum Ledger
	if err := c.probes.Counters.Lookup(uint32(0), &perCPU); err != nil {
		return sum, fmt.Errorf("read the loss counters: %w", err)
	}
	for _, cpu := range perCPU {
		sum.SeenRecords += cpu.SeenRecords
		sum.SeenBytes += cpu.SeenBytes
		for i := range cpu.LostRecords {
			sum.LostRecords[i] += cpu.LostRecords[i]
			sum.LostBytes[i] += cpu.LostBytes[i]
		}
	}
	return sum, nil
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
func (c *Collector) Conns() ([]ConnState, error) {
	var list []ConnState
	var key probesConnKey
	var v probesConn
	it := c.probes.Conns.Iterate()
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
