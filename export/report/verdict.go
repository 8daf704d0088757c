package report

import (
	"fmt"
	"time"
)

// A part of the wall time is a cause when it exceeds both.
const (
	largeShare = 0.30
	largeTime  = 100 * time.Millisecond
)

func (b *Builder) verdict() Verdict {
	v := b.judge()
	v.Evidence = append(v.Evidence, b.interruptions.evidence(b.runs)...)
	v.Evidence = append(append(v.Evidence, b.served.evidence()...), b.openEvidence()...)
	v.Evidence = append(v.Evidence, b.blind()...)
	if v.Evidence == nil {
		v.Evidence = []string{}
	}
	return v
}

// judge chooses between what failed and what took long. What failed is the cause
// where a command failed, or where it took most of the time of the requests and
// nobody knows what became of the command. Elsewhere it is evidence.
func (b *Builder) judge() Verdict {
	largest, size, wall := b.largest()
	var slow, accused *Verdict
	if size > largeTime && float64(size) > largeShare*float64(wall) {
		if s := b.culprit(largest); s != nil {
			accused = new(s.verdict(largest, wall))
			slow = accused
		} else {
			slow = new(b.slow(largest))
			slow.Evidence = append([]string{share(size, wall)}, slow.Evidence...)
		}
	}
	evidence := b.failureEvidence()
	switch fatal := b.fatal(); {
	case fatal && (accused == nil || b.saidMore(accused.Cause)):
		v := b.failure()
		if slow != nil {
			v.Evidence = append(v.Evidence, fmt.Sprintf("besides, %s went to %s", share(size, wall), slow.Cause))
		}
		return v
	case slow != nil:
		slow.Evidence = append(append(slow.Evidence, evidence...), b.status()...)
		return *slow
	case 2*b.served.failed() > b.served.all.requests:
		return Verdict{Errors, "the observed server failed most requests: read its log", evidence}
	case b.outcomes[failed] > 0 && !b.stopped():
		return Verdict{Client, b.failedAlone(), evidence}
	}
	return b.healthy(wall, evidence)
}

// fatal reports whether what failed may be why a command did. A command that
// succeeded did so in spite of it.
func (b *Builder) fatal() bool {
	said := len(b.reported.count) > 0
	broken := len(b.failedDials.count)+len(b.errors.count) > 0
	switch {
	case b.outcomes[failed] > 0:
		return said || broken
	case b.outcomes[unknown] > 0:
		return said || len(b.failedDials.count) > 0 || broken && 2*b.errors.time >= b.spent
	}
	return false
}

// stopped reports whether the command is a server that a signal ended, which is how
// they end.
func (b *Builder) stopped() bool {
	return b.served.all.requests > 0 && b.asked == 0 && b.failedWith > signaled
}

// saidMore reports whether a go command complained of something else than what took
// the time.
func (b *Builder) saidMore(cause Cause) bool {
	for class := range b.reported.count {
		if class != "timeout" && failureCauses[class] != cause {
			return true
		}
	}
	return false
}

// largest returns the phase of the network that took most of the time in which
// something was under way, and that time. What was waited for because packets were
// lost counts as receiving.
func (b *Builder) largest() (part int, size, wall time.Duration) {
	part = partOther
	for i, n := range b.parts {
		if i == partIdle {
			continue
		}
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
		list = append(list, several(b.retries, "request repeats one", "requests repeat one")+" that got no answer")
	}
	if b.lost > 0 {
		list = append(list, several(b.lost, "record was", "records were")+" lost: there may be more")
	}
	if b.skipped > 0 {
		list = append(list, several(b.skipped, "line was no event", "lines were no events")+", or damaged")
	}
	return list
}
