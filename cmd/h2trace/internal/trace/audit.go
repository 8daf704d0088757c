package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// auditInterval is how long a loss stays unannounced when its connection has
// fallen silent.
const auditInterval = time.Second

// audit finds losses that no later record of their connection shows: while the
// kernel counts new losses, its totals of each connection are held against
// what was read. The totals are taken first and compared when the buffer was
// found empty after that, so records under way are not taken for lost ones.
type audit struct {
	next   ktime.Time
	lost   uint64
	lostAt ktime.Time // when that was seen to have grown, 0 before
	unsaid bool       // it has grown since the totals were taken
	states []bpf.ConnState
}

// look notes what the kernel has lost by now.
func (a *audit) look(t *connTable) error {
	lost, err := t.lost()
	if err != nil || lost == a.lost {
		return err
	}
	a.lost, a.unsaid = lost, true
	a.lostAt = monotonic()
	return nil
}

// endKnown reports whether all is known that a connection said up to its end. The
// kernel's account of one without TLS goes with its socket, and comes with the
// close: where that is missing, and records were lost since the last one of the
// connection, some may have been of it. Nor is it known where the account of losses
// cannot be read; that error comes again with the next look.
func (a *audit) endKnown(t *connTable, c *tracedConn) bool {
	if c.cleartext == nil || closeReported(c.end) {
		return true
	}
	err := a.look(t)
	return err == nil && (a.lostAt == 0 || a.lostAt < c.latest)
}

func (a *audit) run(t *connTable, now ktime.Time, idle bool) error {
	if idle && a.states != nil {
		states := a.states
		a.states = nil
		a.compare(t, states, now)
		return nil
	}
	if now < a.next {
		return nil
	}
	a.next = now.Add(auditInterval)
	err := a.look(t)
	if err != nil || !a.unsaid {
		return err
	}
	a.unsaid = false
	a.states, err = t.kernel.Conns()
	return err
}

// compare announces what the kernel counted for connections beyond the records that
// were read of them, and ends those whose close record was among the lost ones. All
// records of before the states must be read.
func (a *audit) compare(t *connTable, states []bpf.ConnState, now ktime.Time) {
	for _, s := range states {
		c := t.byID[s.ID]
		if c == nil {
			continue
		}
		c.settle(now, s.Totals)
		if s.Closed && c.end == nil {
			c.end = &unreportedEnd{now, &s}
			c.finish()
		}
	}
}
