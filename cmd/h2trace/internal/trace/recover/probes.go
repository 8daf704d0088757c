package recover

import "time"

const (
	// idleHits and vainHits are how often the probes may be hit in vain before they are
	// detached: without and with a connection that wants them. A hit costs 0.6 µs.
	idleHits = 10_000
	vainHits = 200_000
	// beginInterval is the least time from one begin to the next.
	beginInterval = time.Second
)

// Probes decides when the probes are attached: while a connection wants tables or
// windows. The zero value has them detached.
type Probes struct {
	on      bool // they are attached, or about to be
	resting bool // for connections that were not heard of yet
	since   time.Time
	changed bool   // a connection came or went since the hits were counted
	hits    uint64 // by then
}

// On reports whether the probes are attached, or about to be.
func (p *Probes) On() bool { return p.on }

// Rest says that the probes are attached for older connections that are not known yet.
func (p *Probes) Rest(now time.Time) { p.on, p.resting, p.since, p.changed = true, true, now, true }

// Change says that a connection came or went that wants something.
func (p *Probes) Change() { p.changed = true }

// Begin reports whether to attach the probes for the connections that want something.
// They are on from then.
func (p *Probes) Begin(now time.Time, wanting int) bool {
	if p.on || wanting == 0 || now.Sub(p.since) < beginInterval {
		return false
	}
	p.on, p.since = true, now
	return true
}

// Over reports whether to detach the probes: nobody wants them, or they were hit in
// vain too often. They are off from then.
func (p *Probes) Over(hits uint64, wanting int) bool {
	if p.changed {
		p.hits, p.changed = hits, false
	}
	vain := hits - p.hits
	switch {
	case wanting > 0:
		p.on = vain <= vainHits
	case p.resting:
		p.on = vain <= idleHits
	default:
		p.on = false
	}
	p.resting = p.resting && p.on
	return !p.on
}
