package export

import "h2trace/decoder/ktime"

// LossReason is why records were seen and not delivered.
type LossReason string

// The reasons of a loss event.
const (
	// LossRingFull is for records that found the kernel buffer full.
	LossRingFull LossReason = "ring_full"
	// LossReadFault is for bytes that could not be read from the memory of the target.
	LossReadFault LossReason = "read_fault"
	// LossTableFull is for data of connections or processes that the kernel side has no
	// room to follow.
	LossTableFull LossReason = "table_full"
	// LossTruncated is for packets of which a capture holds the beginning.
	LossTruncated LossReason = "truncated"
	// LossGap is for records missing from the sequence of a connection.
	LossGap LossReason = "gap"
)

// Loss holds how many records were seen and not delivered.
type Loss struct {
	Time    ktime.Time
	Reason  LossReason
	Records uint64
	Bytes   *uint64 // nil is unknown
	Conn    string  // empty is unknown
}

// Loss prints a loss event, which only Nothing hides.
func (j *JSONL) Loss(l *Loss) {
	b, ok := j.begin(KindLoss)
	if !ok {
		return
	}
	b = j.enc.appendHead(b, l.Time, KindLoss)
	b = appendText(b, "reason", string(l.Reason))
	b = appendKey(b, "records")
	b = appendInteger(b, l.Records)
	b = appendIntOrNull(b, "bytes", l.Bytes)
	if l.Conn != "" {
		b = appendText(b, "conn", l.Conn)
	}
	j.out.end(append(b, '}'))
}
