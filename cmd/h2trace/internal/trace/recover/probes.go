package recover

import "time"

const (
	// idleHits and vainHits are how often the probes may be hit for nothing
	// before they go: when no connection is known that would want them, and
	// when there is one. They cost 0.6 µs a hit.
	idleHits = 10_000
	vainHits = 200_000
	// beginInterval is the least time from one begin to the next.
	beginInterval = time.Second
)

// Probes decides when the probes that tables and windows come from are attached: as
// long as there is a connection that wants some. The zero value has none.
type Probes struct {
	on      bool // they are attached, or about to be
	resting bool // for connections that were not heard of yet
	since   time.Time
	changed bool   // a connection came or went since the hits were counted
	hits    uint64 // by then
}

// On reports whether the probes are attached, or about to be.
func (p *Probes) On() bool { return p.on }

// Rest says that the probes are attached for connections that were there before, and
// are not known yet.
func (p *Probes) Rest(now time.Time) { p.on, p.resting, p.since = true, true, now }

// Change says that a connection came that wants something, or went.
func (p *Probes) Change() { p.changed = true }

// Begin reports whether the probes are to be attached, for connections that want
// something. They are on from then.
func (p *Probes) Begin(now time.Time, wanting int) bool {
	if p.on || wanting == 0 || now.Sub(p.since) < beginInterval {
		return false
	}
	p.on, p.since = true, now
	return true
}

// Over reports whether the probes have done what they were attached for, or have been
// hit for nothing too often. Then they are to be detached, and are off.
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
