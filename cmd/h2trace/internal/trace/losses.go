package trace

import (
	"h2trace/bpf"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// lossBook announces losses. It counts them, so that each lost record is announced
// exactly once.
type lossBook struct {
	events    *export.JSONL
	announced uint64
}

// gap announces records that are missing from one direction of a connection.
func (b *lossBook) gap(at ktime.Time, conn string, records, bytes uint64, why bpf.Reasons) {
	b.announced += records
	b.events.Loss(&export.Loss{Time: at, Reason: lossReason(why), Records: records, Bytes: &bytes, Conn: conn})
}

// lossReason names the cause if there was only one.
func lossReason(why bpf.Reasons) export.LossReason {
	switch why {
	case 1 << bpf.RingFull:
		return export.LossRingFull
	case 1 << bpf.ReadFault:
		return export.LossReadFault
	case 1 << bpf.TableFull:
		return export.LossTableFull
	case 1 << bpf.Truncated:
		return export.LossTruncated
	}
	return export.LossGap
}

// settle announces the losses that no connection showed: records of processes, opens
// and closes, and data without room in the table of the kernel. It includes records
// that were read and not decoded.
func (b *lossBook) settle(at ktime.Time, ledger bpf.Ledger, undecoded uint64) {
	lost := ledger.Lost() + undecoded
	rest := lost - min(b.announced, lost)
	if rest == 0 {
		return
	}
	var why bpf.Reasons
	for reason, n := range ledger.LostRecords {
		if n > 0 {
			why |= 1 << reason
		}
	}
	if undecoded > 0 {
		why = 0 // more than one, or none of the kernel
	}
	b.events.Loss(&export.Loss{Time: at, Reason: lossReason(why), Records: rest})
}
