package bpf

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// Ledger is the kernel's account of records and payload bytes: all that its programs
// saw, and all that was lost, by cause.
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
