package report

import (
	"time"

	"h2trace/export/scan"
)

// longWait is the least wait after which a given up request is a failure: the process waited
// too long, and did not just lose interest.
const longWait = largeTime

// exchange takes an exchange. An incompletely seen one counts for its proxy, but not in
// times.
func (r *run) exchange(x *exchangeEvent) {
	c := r.conns.get(x.conn)
	r.conns.spoke(c)
	r.idles = r.waitsForWork()
	if c != nil && c.server {
		r.serve(x, c)
		return
	}
	r.asked = true
	if !r.conns.toObserved(c) { // else the server tells of it
		r.sums.upstream.make(x)
	}
	r.sums.traffic.asked++
	name := proxyName(x)
	r.passed(x, name)
	r.sums.traffic.spent += x.phases[phaseTotal]
	if r.sums.relays.exchange(x, &r.sums.ledger.errors) {
		if x.class != nil && !scan.Is(x.class, "aborted") {
			r.sums.measures.unreached()
		}
		return
	}
	r.sums.measures.exchange(x)
	r.dials.asks(name)
	p := r.sums.tables.proxies.get(name)
	if p != nil {
		p.exchange(x)
		p.through(scan.Text(x.via))
		if c != nil && c.proxy == nil {
			c.proxy = p
			p.conns++
			if c.begin == 0 {
				c.begin = x.at.add(-x.phases[phaseTotal])
			}
			r.sums.relays.conn(x)
			if x.fresh && r.conns.answers.before(x, name) {
				p.links.anew++
			}
		}
		r.conns.answers.add(x, name)
	}
	if r.said.exchange(x) {
		r.sums.ledger.errors.add(x)
	}
	if x.after != nil {
		r.sums.traffic.retries++
		r.sums.ledger.errors.takeBack(classNamed(x.after))
	}
	if x.kind != nil {
		r.sums.chain.add(name, x)
		r.sums.tables.fetched(x)
		r.sums.repeated.exchange(name, x)
	}
}

// passed puts the time of an exchange on the path, and counts an unanswered request against
// its proxy.
func (r *run) passed(x *exchangeEvent, proxy string) {
	if !x.known[phaseTotal] {
		return
	}
	s := span{begin: x.at.add(-x.phases[phaseTotal]), end: x.at, parts: parts{
		partDNS: x.phases[phaseDNS], partConnect: x.phases[phaseConnect], partTLS: x.phases[phaseTLS],
		partSend: x.phases[phaseSend] - x.send, partSendStall: x.send, partWait: x.phases[phaseWait],
		partReceive: x.phases[phaseReceive] - x.recv, partRecvStall: x.recv,
	}}
	var stopped span // the silent end of a given up response
	var asked string // only where it is needed: this is called for each exchange
	if x.open || x.class != nil {
		asked = scan.Text(x.method) + " " + scan.Text(x.url)
	}
	ends := x.open || scan.Is(x.class, "aborted") || scan.Is(x.class, "timeout")
	switch {
	case ends && x.status == 0:
		s.of = r.sums.suspects.get(noAnswer, proxy, asked, "")
		r.unanswered(x, x.phases[phaseWait], "given up without an answer")
	case x.open && x.kind == nil:
		// A stream of events has no end to wait for.
		s.parts[partIdle], s.parts[partReceive] = s.parts[partReceive], 0
	case ends:
		stopped = s.stop(x)
		if length := stopped.end.sub(stopped.begin); length >= longWait {
			stopped.of = r.sums.suspects.get(noRest, proxy, asked, "")
			r.unanswered(x, length, "given up in the middle of the response")
		}
	case x.class != nil && !x.notFound():
		s.of = r.sums.suspects.get(badAnswer, proxy, asked, scan.Text(x.detail))
	}
	if x.open {
		what := "waits for an answer"
		if x.status != 0 {
			what = "has an answer that has not ended"
		}
		r.sums.unended.add(x.at, x.phases[phaseTotal], asked+" "+what)
	}
	r.add(s)
	if stopped.end > stopped.begin {
		r.add(stopped)
	}
}

// stop splits off and returns the silent end of a given up response: the wait for its rest.
// If its length is unknown, that is the whole response.
func (s *span) stop(x *exchangeEvent) span {
	length := s.parts[partReceive]
	if x.silentKnown {
		length = min(length, x.silent)
	}
	s.parts[partReceive] -= length
	s.end = s.end.add(-length)
	return span{begin: s.end, end: s.end.add(length), parts: parts{partWait: length}}
}

// unanswered counts a request given up after a wait as a failure.
func (r *run) unanswered(x *exchangeEvent, waited time.Duration, what string) {
	if key := x.key(); x.open || waited < longWait || !scan.Is(x.class, "aborted") || r.said.told[key] {
		return
	}
	t := ofExchange(x)
	t.detail, t.via = scan.Text(x.url)+": "+what+", after "+human(waited), scan.Text(x.via)
	r.sums.ledger.gaveUp.noteExchange(x, t)
}

// serve takes an exchange of an observed server. Until the response begins, the process
// itself works.
func (r *run) serve(x *exchangeEvent, c *connection) {
	r.hears++
	r.sums.upstream.serve(x)
	if x.known[phaseTotal] {
		if !r.conns.own[c.remote] {
			r.path.serve(interval{x.at.add(-x.phases[phaseTotal]), x.at})
		}
		r.add(span{begin: x.at.add(-x.phases[phaseTotal]), end: x.at, served: true, parts: parts{
			partOther: x.phases[phaseWait],
			partSend:  x.phases[phaseReceive] - x.send, partSendStall: x.send,
			partReceive: x.phases[phaseSend] - x.recv, partRecvStall: x.recv,
		}})
	}
	s := &r.sums.served
	if s.clients.values == nil {
		s.clients = newByName[client](maxClients)
	}
	s.all.add(x)
	if one := s.clients.get(c.peer); one != nil {
		one.add(x)
		if !c.met {
			one.conns++
		}
	}
	c.met = true
}
