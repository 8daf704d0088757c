package report

import "fmt"

// healthy returns the verdict if the network is not the cause.
func (j *judge) healthy(evidence []string) Verdict {
	if n := j.unrecorded(); n > 0 {
		return Verdict{Client, fmt.Sprintf("%d exchanges were observed, and none is in the file: keep exchange and conn events (h2trace -e)", n), evidence}
	}
	if j.traffic.silences > 0 && j.traffic.asked+j.served.all.requests == 0 && j.traffic.connections == j.traffic.silences && len(evidence) == 0 {
		return Verdict{Client, "no data went while the processes were observed: they wait for an answer, or have nothing to ask", nil}
	}
	if j.traffic.asked+j.traffic.connections+j.served.all.requests == 0 && len(evidence) == 0 {
		return j.withoutTraffic()
	}
	begin := "nothing failed"
	if j.served.failed() > 0 {
		begin = "the observed server failed some requests"
	}
	if len(evidence) > 0 {
		begin = "what failed cost little"
		if j.ends.outcomes[unknown] == 0 {
			begin = "the command succeeded"
		}
	}
	v := Verdict{
		Healthy,
		fmt.Sprintf("%s, and no phase of the network took more than %.0f %% of the time and %s", begin, largeShare*100, human(largeTime)),
		nil,
	}
	if j.parts[partIdle] > 0 {
		all := j.wall + j.parts[partIdle]
		v.Evidence = append(v.Evidence, share(j.parts[partIdle], all)+" passed with no request under way")
	}
	if own := j.parts[partOther]; own > 0 {
		v.Evidence = append(v.Evidence, share(own, j.wall)+" went to the processes themselves")
		v.Evidence = append(v.Evidence, j.own.evidence(own)...)
		v.Evidence = append(v.Evidence, j.trace.evidence(merged(j.own.gaps))...)
	}
	if j.large(j.own.locked, largeShare) {
		name, _ := j.own.longest()
		v.Cause = Client
		v.Text = fmt.Sprintf("up to %s of %s went to waiting for locks, longest for %s: another process had it", human(j.own.locked), human(j.wall), name)
	}
	v.Evidence = append(v.Evidence, evidence...)
	if missed := j.tools.missed(); missed != "" {
		v.Evidence = append(v.Evidence, missed)
	}
	return v
}

// unrecorded returns the number of observed exchanges if none was recorded.
func (j *judge) unrecorded() int64 {
	if j.traffic.asked+j.served.all.requests > 0 {
		return 0
	}
	return j.ends.counted
}

// withoutTraffic says where the time went in runs without a connection.
func (j *judge) withoutTraffic() Verdict {
	t := &j.tools
	v := Verdict{Cause: Healthy, Text: "no request was made"}
	switch {
	case t.found == 0 && t.skipped > 0:
		return Verdict{Client, "nothing could be observed: " + t.reason, nil}
	case t.found == 0 && j.ends.nobody:
		return Verdict{Client, "no process was observed: none ran the program, or those that did had ended", nil}
	case t.found == 0 && j.ends.outcomes[unknown] > 0:
		return Verdict{Client, "no request was recorded: keep exchange, conn and process events (h2trace -e)", nil}
	case t.unseen > 0:
		return Verdict{Client, "no request was seen: " + t.missed(), nil}
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

// failedAlone says that commands failed, and that no request explains it.
func (j *judge) failedAlone() string {
	if n := j.unrecorded(); n > 0 {
		return fmt.Sprintf("the command failed, and of %d exchanges none is in the file: keep exchange and conn events (h2trace -e)", n)
	}
	none := "and no request of it "
	if missed := j.tools.missed(); missed != "" {
		none = missed + "; and no other request "
	}
	switch n := j.ends.outcomes[failed]; {
	case j.ends.runs > 1:
		return fmt.Sprintf("the command failed in %d of %d runs, %sdid: read what it printed", n, j.ends.runs, none)
	case j.ends.interruptions.runs > 0:
		return "the command was interrupted, " + none + "had failed"
	case j.ends.failedWith > signaled:
		return fmt.Sprintf("the command was ended by a signal (exit status %d), %shad failed", j.ends.failedWith, none)
	}
	return fmt.Sprintf("the command failed (exit status %d), %sdid: read what it printed", j.ends.failedWith, none)
}
