package report

import (
	"fmt"
	"time"
)

// healthy returns the verdict where nothing of the network is the cause.
func (b *Builder) healthy(wall time.Duration, evidence []string) Verdict {
	if n := b.unrecorded(); n > 0 {
		return Verdict{Client, fmt.Sprintf("%d exchanges were observed, and none is in the file: keep exchange and conn events (h2trace -e)", n), evidence}
	}
	if b.silences > 0 && b.asked+b.served.all.requests == 0 && b.connections == b.silences && len(evidence) == 0 {
		return Verdict{Client, "no data went while the processes were observed: they wait for an answer, or have nothing to ask", nil}
	}
	if b.asked+b.connections+b.served.all.requests == 0 && len(evidence) == 0 {
		return b.withoutTraffic()
	}
	begin := "nothing failed"
	if b.served.failed() > 0 {
		begin = "the observed server failed some requests"
	}
	if len(evidence) > 0 {
		begin = "what failed cost little"
		if b.outcomes[unknown] == 0 {
			begin = "the command succeeded"
		}
	}
	v := Verdict{
		Healthy,
		fmt.Sprintf("%s, and no phase of the network took more than %.0f %% of the time and %s", begin, largeShare*100, human(largeTime)),
		nil,
	}
	if b.parts[partIdle] > 0 {
		all := wall + b.parts[partIdle]
		v.Evidence = append(v.Evidence, share(b.parts[partIdle], all)+" passed with no request under way")
	}
	if own := b.parts[partOther]; own > 0 {
		v.Evidence = append(v.Evidence, share(own, wall)+" went to the processes themselves")
	}
	return Verdict{v.Cause, v.Text, append(v.Evidence, evidence...)}
}

// unrecorded returns how many exchanges were observed where none was recorded.
func (b *Builder) unrecorded() int64 {
	if b.asked+b.served.all.requests > 0 {
		return 0
	}
	return b.counted
}

// withoutTraffic says what the time of runs went to that made no connection.
func (b *Builder) withoutTraffic() Verdict {
	t := &b.tools
	v := Verdict{Cause: Healthy, Text: "no request was made"}
	switch {
	case t.found == 0 && t.skipped > 0:
		return Verdict{Client, "nothing could be observed: " + t.reason, nil}
	case t.found == 0 && b.nobody:
		return Verdict{Client, "no process was observed: none ran the program, or those that did had ended", nil}
	case t.found == 0 && b.outcomes[unknown] > 0:
		return Verdict{Client, "no request was recorded: keep exchange, conn and process events (h2trace -e)", nil}
	case t.goes > 0:
		v.Text += ": all that the go command needed was in the module cache"
	}
	if p := t.busiest(); p != nil {
		what := "process"
		if p.Runs > 1 {
			what = "processes"
		}
		v.Text += fmt.Sprintf("; %d %s %s took %s in all", p.Runs, p.Program, what, human(p.Total.duration()))
	}
	return v
}

// failedAlone says of commands that failed that no request is known to be why.
func (b *Builder) failedAlone() string {
	if n := b.unrecorded(); n > 0 {
		return fmt.Sprintf("the command failed, and of %d exchanges none is in the file: keep exchange and conn events (h2trace -e)", n)
	}
	switch n := b.outcomes[failed]; {
	case b.runs > 1:
		return fmt.Sprintf("the command failed in %d of %d runs, and no request of it did: read what it printed", n, b.runs)
	case b.interruptions.runs > 0:
		return "the command was interrupted, and no request of it had failed"
	case b.failedWith > signaled:
		return fmt.Sprintf("the command was ended by a signal (exit status %d), and no request of it had failed", b.failedWith)
	}
	return fmt.Sprintf("the command failed (exit status %d), and no request of it did: read what it printed", b.failedWith)
}

// status says that commands failed where something else is the cause.
func (b *Builder) status() []string {
	switch {
	case b.outcomes[failed] == 0, b.runs == 1 && b.interruptions.runs > 0: // which says it
		return nil
	case b.runs == 1:
		return []string{fmt.Sprintf("the command ended with exit status %d", b.failedWith)}
	}
	return []string{fmt.Sprintf("the command failed in %d of %d runs", b.outcomes[failed], b.runs)}
}
