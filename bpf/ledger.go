package bpf

import "fmt"

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
func (c *Connections) Ledger() (Ledger, error) {
	var perCPU []probesLedger
	var sum Ledger
	if err := c.counters.Lookup(uint32(0), &perCPU); err != nil {
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
