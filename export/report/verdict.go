package report

import (
	"cmp"
	"fmt"
	"time"
)

// A part of the wall time is a cause if it exceeds both.
const (
	largeShare = 0.30
	largeTime  = 100 * time.Millisecond
)

// judge finds the cause of long runs.
type judge struct {
	*sums
	// part is the largest phase of the network, size its time, and wall the time with
	// any activity.
	part       int
	size, wall time.Duration
}

func newJudge(s *sums) *judge {
	part, size, wall := s.largest()
	return &judge{s, part, size, wall}
}

func (j *judge) verdict() Verdict {
	v := j.decide()
	v.Evidence = append(v.Evidence, j.ends.interruptions.evidence(j.ends.runs)...)
	v.Evidence = append(append(v.Evidence, j.served.evidence()...), j.upstream.evidence()...)
	v.Evidence = append(v.Evidence, j.unended.evidence()...)
	v.Evidence = append(v.Evidence, j.found(v.Cause)...)
	v.Evidence = append(v.Evidence, j.blind()...)
	if v.Evidence == nil {
		v.Evidence = []string{}
	}
	return v
}

// found says what a ticket needs to know besides the cause.
func (j *judge) found(cause Cause) (list []string) {
	list = append(list, j.lookups.evidence(cause)...)
	list = append(list, j.vains.evidence()...)
	list = append(list, j.tables.proxies.evidence(cause)...)
	list = append(list, j.chain.evidence()...)
	list = append(list, j.own.lockEvidence()...)
	list = append(list, j.told.evidence(&j.tables.proxies)...)
	return append(list, j.repeated.evidence()...)
}

// decide chooses between failures and slowness. Failures are the cause if a command failed,
// or if the outcome of the command is unknown and they took most of the time of the requests.
// Otherwise they are evidence.
func (j *judge) decide() Verdict {
	if j.onlyLogs() {
		return j.ofLogs()
	}
	var slow, accused *Verdict
	took, to := j.size, ""
	switch setup := j.parts[partDNS] + j.parts[partConnect] + j.parts[partTLS]; {
	case j.large(j.size, largeShare):
		if s := j.suspects.culprit(j.part, j.parts[j.part]); s != nil {
			accused = new(s.verdict(j.part, j.wall))
			slow = accused
		} else {
			slow = new(newSlowness(j.sums).verdict(j.part))
			slow.Evidence = append([]string{share(j.size, j.wall)}, slow.Evidence...)
		}
		slow.Evidence = append(slow.Evidence, j.besides()...)
	case j.large(setup, largeShare):
		took, to = setup, "new connections"
		slow = new(newSlowness(j.sums).connecting(setup, j.wall))
	}
	evidence := j.ledger.evidence()
	switch fatal := j.fatal(); {
	case fatal && (accused == nil || j.saidMore(accused.Cause)):
		v := j.failure()
		if slow != nil {
			v.Evidence = append(v.Evidence, fmt.Sprintf("besides, %s went to %s", share(took, j.wall), cmp.Or(to, string(slow.Cause))))
		}
		return v
	case slow != nil:
		slow.Evidence = append(append(slow.Evidence, evidence...), j.ends.status()...)
		return *slow
	case 2*j.served.failed() > j.served.all.requests:
		return Verdict{Errors, "the observed server failed most requests: read its log", evidence}
	case j.ends.outcomes[failed] > 0 && !j.stopped():
		return Verdict{Client, j.failedAlone(), evidence}
	}
	return j.healthy(evidence)
}

// large reports whether a time is more than a share of the wall time, and long.
func (j *judge) large(n time.Duration, share float64) bool {
	return n > largeTime && float64(n) > share*float64(j.wall)
}

// besides names the other parts that took long, half as much as a cause must.
func (j *judge) besides() (list []string) {
	slow := newSlowness(j.sums)
	for part, n := range j.parts {
		if part == j.part || part == partOther || part == partIdle || !j.large(n, largeShare/2) {
			continue
		}
		if s := j.suspects.culprit(part, n); s != nil {
			list = append(list, "besides, "+s.verdict(part, j.wall).Text)
			continue
		}
		if part == partWait && j.part == partReceive && j.lossy().conns > 0 {
			continue // waits for lost packets are part of that
		}
		if bytes, _ := j.tables.proxies.received(); part == partReceive && bytes == 0 {
			continue // it is the end of a response that stopped
		}
		v := slow.verdict(part)
		list = append(list, fmt.Sprintf("besides, %s went to %s: %s", share(n, j.wall), v.Cause, v.Text))
	}
	return list
}

// fatal reports whether the failures may have made a command fail. A command that succeeded
// did so in spite of them.
func (j *judge) fatal() bool {
	said := len(j.ledger.reported.count) > 0
	broken := len(j.ledger.dials.count)+len(j.ledger.errors.count) > 0
	switch {
	case j.ends.outcomes[failed] > 0:
		return said || broken
	case j.ends.outcomes[unknown] > 0:
		return said || len(j.ledger.dials.count) > 0 || broken && 2*j.ledger.errors.time >= j.traffic.spent
	}
	return false
}

// stopped reports whether the command is a server that a signal ended, as usual.
func (j *judge) stopped() bool {
	return j.served.all.requests > 0 && j.traffic.asked == 0 && j.ends.failedWith > signaled
}

// saidMore reports whether a go command complained about something else than the part that
// took the time.
func (j *judge) saidMore(cause Cause) bool {
	for class := range j.ledger.reported.count {
		if class != "timeout" && failureCauses[class] != cause {
			return true
		}
	}
	return false
}

// blind says what the verdict cannot see.
func (j *judge) blind() []string {
	list := j.logs.evidence()
	if j.traffic.retries > 0 {
		list = append(list, several(j.traffic.retries, "request repeats one", "requests repeat one")+" that got no answer")
	}
	if j.lost > 0 {
		list = append(list, several(j.lost, "record was", "records were")+" lost: there may be more")
	}
	if j.skipped > 0 {
		list = append(list, several(j.skipped, "line was no event", "lines were no events")+", or damaged")
	}
	return list
}
