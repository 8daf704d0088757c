package trace

import (
	"h2trace/bpf"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// lossBook announces losses and remembers what it announced, so that in the
// end each lost record was announced exactly once.
type lossBook struct {
	events    *export.JSONL
	announced uint64
}

// gap announces records that are missing from one direction of a connection.
func (b *lossBook) gap(at ktime.Time, conn string, records, bytes uint64, why bpf.Reasons) {
	b.announced += records
	b.events.Loss(&export.Loss{Time: at, Reason: lossReason(why), Records: records, Bytes: &bytes, Conn: conn})
}

// lossReason names the cause if there was but one.
func lossReason(why bpf.Reasons) export.LossReason {
	switch why {
	case 1 << bpf.RingFull:
		return export.LossRingFull
	case 1 << bpf.ReadFault:
		return export.LossReadFault
	case 1 << bpf.TableFull:
		return export.LossTableFull
	}
	return export.LossGap
}

// settle announces what the kernel lost beyond the gaps that connections
// showed: records of processes, of opens and closes, and data of connections
// for which there was no room in the kernel's table. It does so for records that
// were read and not decoded, too.
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
