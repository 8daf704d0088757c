package report

import (
	"fmt"
	"time"
)

// sums holds the results of all runs.
type sums struct {
	parts    parts
	ends     ends
	traffic  traffic
	tables   tables
	ledger   ledger
	suspects suspects
	unended  unended
	windows  windows
	served   served
	tools    tools
	chain    fallbacks
	direct   direct
	relays   relays
	vains    vains
	lookups  lookups
	repeated repeated
	own      own
	trace    goTrace
	upstream upstream
	told     told
	logs     logs
	opaque   opaque
	measures measures
	lost     int64 // records
	skipped  int64 // lines
}

func newSums() *sums {
	return &sums{tables: newTables(), ledger: newLedger(), suspects: make(suspects)}
}

// traffic counts the requests of clients, and the connections of any role.
type traffic struct {
	asked       int64         // exchanges with servers
	connections int64         // new ones, and those joined in the middle
	silences    int64         // connections without data up to the end
	retries     int64         // requests that repeat one without an answer
	spent       time.Duration // in all exchanges
	handshakes  handshakes
}

// ends counts how the runs ended.
type ends struct {
	runs int
	// outcomes counts the runs by the outcome of their command.
	outcomes      [failed + 1]int
	failedWith    int64 // exit status of the last command that failed
	interruptions interruptions
	counted       int64 // exchanges, by the summaries
	nobody        bool  // a summary counts no process
}

// summary takes the summary of a run.
func (e *ends) summary(s *summaryEvent) {
	e.counted += s.exchanges
	e.nobody = e.nobody || s.nobody
}

// add takes a run that has ended.
func (e *ends) add(l *life) {
	e.runs++
	e.outcomes[l.outcome]++
	if l.outcome == failed {
		e.failedWith = l.status
	}
	e.interruptions.add(l)
}

// status says that commands failed, if something else is the cause.
func (e *ends) status() []string {
	switch {
	case e.outcomes[failed] == 0, e.runs == 1 && e.interruptions.runs > 0: // the interruption says it
		return nil
	case e.runs == 1:
		return []string{fmt.Sprintf("the command ended with exit status %d", e.failedWith)}
	}
	return []string{fmt.Sprintf("the command failed in %d of %d runs", e.outcomes[failed], e.runs)}
}

// largest returns the largest phase of the network, and its time. Waits for lost packets
// count as receiving.
func (s *sums) largest() (part int, size, wall time.Duration) {
	part = partOther
	for i, n := range s.parts {
		if i == partIdle {
			continue
		}
		if wall += n; i != partOther && n > size {
			part, size = i, n
		}
	}
	if lost := s.lostToLine(); lost > 0 {
		rest := s.parts[partWait] - (lost - s.parts[partReceive])
		if lost >= rest && (lost >= size || part == partWait) {
			part, size = partReceive, lost
		}
	}
	return part, size, wall
}
