package report

import "h2trace/export/scan"

// take adds an event to the run.
func (r *run) take(e event) {
	r.event++
	switch e := e.(type) {
	case *frameEvent:
		r.frame(e)
	case *exchangeEvent:
		r.exchange(e)
	case *stallEvent:
		r.sums.windows.stall(e)
	case *openEvent:
		r.opened(e)
	case *failedEvent:
		r.failedConn(e)
	case *closeEvent:
		r.closed(e)
	case *countedEvent:
		r.sums.opaque.counted += e.frames
	case *dnsEvent:
		r.sums.lookups.add(e)
	case *silentEvent:
		r.silent(e)
	case *execEvent:
		r.begins(e.pid)
		r.executed(e)
		r.sums.direct.exec(e)
		r.sums.tools.exec(e)
	case *exitEvent:
		r.exited(e)
	case *lockEvent:
		r.met(e.at)
		r.sums.own.lock(e)
		r.wait(interval{e.at.add(-e.waited), e.at})
	case *complaintEvent:
		r.met(e.at)
		r.complaint(e)
	case *attachedEvent:
		r.met(e.at)
		if r.attached { // else its exec is told, and this may be told after its exit
			r.begins(e.pid)
		}
		r.sums.tools.attach(e)
	case *skippedEvent:
		r.met(e.at)
		r.sums.tools.skip(e)
	case *processEvent:
		r.met(e.at)
	case *lossEvent:
		r.sums.lost += e.records
	}
	at := e.heading().at
	if r.first == 0 {
		r.first = at
	}
	r.last = max(r.last, at)
}

// frame takes a frame, which ends the handshake of its connection.
func (r *run) frame(e *frameEvent) {
	r.sums.windows.frame(e)
	if r.conns.handshaking > 0 {
		r.conns.spoke(r.conns.open[string(e.conn)])
	}
}

// summary takes the last event of a run.
func (r *run) summary(e *summaryEvent) {
	r.sums.ends.summary(e)
	r.labels = labelsOf(e.labels)
	r.signal, r.outlived = scan.Text(e.signal), !e.running && r.command != 0 && r.ended == 0
	if e.running {
		r.hasNoCommand()
	}
}

// end adds the results of the run to the sums.
func (r *run) end() {
	s := r.sums
	r.event = 0
	r.dials.end(s, &r.said)
	s.chain.end(s.direct.fetched, &r.said.family, &s.told)
	s.repeated.end()
	s.upstream.end()
	r.said.end(s)
	at := r.until()
	for _, c := range r.conns.open {
		if c.proxy != nil {
			c.proxy.links.over(interval{c.begin, at})
		}
	}
	for _, p := range s.tables.proxies.values {
		p.links.endRun()
	}
	for _, u := range s.direct.end() {
		r.controlled(u, at)
	}
	for _, c := range r.conns.open {
		r.unended(c, at)
	}
	r.spent = r.parts()
	s.parts = s.parts.plus(r.spent)
	s.own.locked += r.locked
	s.own.partial = s.own.partial || len(r.alive) > 0
	s.own.gaps = append(s.own.gaps, r.gaps[:min(len(r.gaps), maxGaps-len(s.own.gaps))]...)
	s.ends.add(&r.life)
}
