package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// auditInterval is how long a loss may stay unannounced after its connection falls
// silent.
const auditInterval = time.Second

// audit finds losses that no later record of their connection shows. While the kernel
// counts new losses, audit compares its totals of each connection with what was read.
// It takes the totals first, and compares them once the buffer is empty. So records on
// their way do not look like losses.
type audit struct {
	next   ktime.Time
	lost   uint64
	lostAt ktime.Time // when that was seen to have grown, 0 before
	unsaid bool       // it has grown since the totals were taken
	states []bpf.ConnState
}

// look notes what the kernel has lost so far.
func (a *audit) look(t *connTable) error {
	lost, err := t.lost()
	if err != nil || lost == a.lost {
		return err
	}
	a.lost, a.unsaid = lost, true
	a.lostAt = t.now()
	return nil
}

// endKnown reports whether all traffic of a connection is known up to its end. Without
// TLS, the totals of the kernel come with the close. If the close is missing and
// records were lost since, some may have been of this connection. Nor is the end known
// if the count of losses cannot be read. The next look returns that error.
func (a *audit) endKnown(t *connTable, c *tracedConn) bool {
	if c.wire == nil || closeReported(c.end) {
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

// compare announces losses from the totals of the kernel, and ends connections whose
// close record was lost. All records from before the totals must be read.
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
