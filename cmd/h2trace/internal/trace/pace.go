//go:build linux

package trace

import (
	"errors"
	"time"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

const (
	// housekeepingEvery and housekeepingInterval bound how many records are read,
	// and for how long, between two looks at everything that is not a record.
	housekeepingEvery    = 4096
	housekeepingInterval = 100 * time.Millisecond
)

// drainTime is how long what the kernel holds is decoded at the end: the exit
// status of COMMAND waits for it.
var drainTime = 30 * time.Second

// drainNotice is after how much of that a message says so.
var drainNotice = 3 * time.Second

// pace says when everything that is not a record has waited long enough. The times of
// records are its clock: to read another one for each costs a twentieth of a frame.
type pace struct {
	records int
	last    ktime.Time // when it had its turn
}

// newPace begins anew where a bpf.Reader is. It may be far behind the present time: what waits
// unread is measured from there, too.
func newPace(r interface{ ReadUntil() ktime.Time }) pace { return pace{last: r.ReadUntil()} }

// due counts a record, and reports whether no other is to be read before.
func (p *pace) due(at ktime.Time) bool {
	p.records++
	return p.records >= housekeepingEvery || at.Sub(p.last) >= housekeepingInterval
}

// intake is what was read of the kernel side so far.
type intake struct {
	records   uint64
	undecoded uint64     // of them, payload that was read too late
	read      ktime.Time // of the latest
	deadline  time.Time  // after it, payload comes too late; zero for never
	exited    bool       // an exit was read since the targets were counted
}

// tooLate reports whether payload comes too late to be decoded, and counts it then.
func (i *intake) tooLate() bool {
	if i.deadline.IsZero() || !time.Now().After(i.deadline) {
		return false
	}
	i.undecoded++
	return true
}

// delivered counts the records that were not lost.
func (i *intake) delivered() uint64 { return i.records - i.undecoded }

// drain reads what the kernel still holds. Data that is read after limit is not
// decoded, and counts as lost.
func (o *Observer) drain(limit time.Duration) error {
	var err error
	notice := time.Now().Add(drainNotice)
	o.deadline = time.Now().Add(limit)
	for {
		if !notice.IsZero() && time.Now().After(notice) {
			notice = time.Time{}
			o.msg.Infof("what was observed is still being decoded: what is not within %v is lost", limit)
		}
		e, readErr := o.collector.Read(0)
		switch {
		case errors.Is(readErr, bpf.ErrNoRecord):
			return err
		case readErr != nil:
			return errors.Join(err, readErr)
		default:
			err = errors.Join(err, o.handle(e))
		}
	}
}
