package report

import (
	"fmt"
)

// A part of the wall time is a cause when it exceeds both.
const (
	largeShare = 0.30
	largeTime  = 100e6 // ns
)

func (b *Builder) verdict() Verdict {
	v := b.judge()
	v.Evidence = append(v.Evidence, b.blind()...)
	if v.Evidence == nil {
		v.Evidence = []string{}
	}
	return v
}

func (b *Builder) judge() Verdict {
	largest, size, wall := b.largest()
	var slow *Verdict
	if size > largeTime && float64(size) > largeShare*float64(wall) {
		slow = new(b.slow(largest))
	}
	// The go command asks for the lists of path prefixes that are no modules, and
	// what answers "forbidden" fails nothing.
	failed := len(b.errors.count) > 0
	costly := b.failed > 0 || 2*b.errors.time >= b.spent
	switch {
	case len(b.reported.count)+len(b.unmade.count) > 0 || failed && costly:
		v := b.failure()
		if slow != nil {
			v.Evidence = append(v.Evidence, fmt.Sprintf("besides, %s went to %s", share(size, wall), slow.Cause))
		}
		return v
	case slow != nil:
		slow.Evidence = append([]string{share(size, wall)}, slow.Evidence...)
		if failed {
			slow.Evidence = append(slow.Evidence, b.failureEvidence()...)
		}
		return *slow
	case failed:
		return b.failure()
	case b.failed > 0:
		return Verdict{Client, fmt.Sprintf("the command failed in %d of %d runs, and no request of it did: read what it printed", b.failed, b.runs), nil}
	case b.runs == 0:
		return Verdict{Client, "nothing was recorded: run h2trace with -o FILE and report FILE", nil}
	}
	return Verdict{
		Healthy,
		fmt.Sprintf("nothing failed, and no phase of the network took more than %.0f %% of the time and %.0f ms", largeShare*100, largeTime/1e6),
		[]string{share(b.parts[partOther], wall) + " went to the processes themselves"},
	}
}

// largest returns the phase of the network that took most of the wall time. What
// was waited for because packets were lost counts as receiving.
func (b *Builder) largest() (part int, size, wall int64) {
	part = partOther
	for i, n := range b.parts {
		if wall += n; i != partOther && n > size {
			part, size = i, n
		}
	}
	if lost := b.lostToLine(); lost > 0 {
		rest := b.parts[partWait] - (lost - b.parts[partReceive])
		if lost >= rest && (lost >= size || part == partWait) {
			part, size = partReceive, lost
		}
	}
	return part, size, wall
}

// blind says what the verdict could not see.
func (b *Builder) blind() []string {
	var list []string
	if b.retries > 0 {
		list = append(list, fmt.Sprintf("%d requests repeat one that got no answer", b.retries))
	}
	if b.lost > 0 {
		list = append(list, fmt.Sprintf("%d records were lost: there may be more", b.lost))
	}
	if b.skipped > 0 {
		list = append(list, fmt.Sprintf("%d lines were no events, or damaged", b.skipped))
	}
	return list
}
