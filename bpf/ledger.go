package bpf

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
