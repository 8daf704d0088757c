package report

import "time"

// longWait is what a request must have waited for, so that giving it up is a
// failure: the process waited too long for it, and did not just lose interest.
const longWait = largeTime

// exchange takes an exchange. One of which nothing but a part was seen counts
// for its proxy, but not in times.
func (b *Builder) exchange(x *exchangeEvent) {
	c := b.run.conn(x.conn)
	b.run.spoke(c)
	if c != nil && c.server {
		b.serve(x, c)
		return
	}
	b.run.asked = true
	b.asked++
	name := proxyName(x)
	b.passed(x, name)
	b.spent += x.phases[phaseTotal]
	if b.relays.exchange(x, &b.errors) {
		return
	}
	b.run.dials.asks(name)
	p := b.proxies.get(name)
	if p != nil {
		p.exchange(x)
		p.through(text(x.via))
		if c != nil && c.proxy == nil {
			c.proxy = p
			p.conns++
			b.relays.conn(x)
		}
	}
	if b.said.exchange(x) {
		b.errors.add(x)
	}
	if x.after != nil {
		b.retries++
		b.errors.takeBack(classNamed(x.after))
	}
	if x.kind != nil {
		b.fetched(x, name)
	}
}

// fetched takes a request to a module proxy.
func (b *Builder) fetched(x *exchangeEvent, proxy string) {
	b.chain.add(proxy, x)
	if k := b.kinds.get(text(x.kind)); k != nil {
		k.add(x)
	}
	if x.path != nil && !is(x.kind, "list") && !is(x.kind, "latest") {
		if name := text(x.path); name != "" {
			if m := b.modules.get(name + "@" + text(x.version)); m != nil {
				m.add(x)
			}
		}
	}
}

// passed puts the time of an exchange on the path, and holds against a proxy what it
// did not answer.
func (b *Builder) passed(x *exchangeEvent, proxy string) {
	if !x.known[phaseTotal] {
		return
	}
	s := span{begin: x.at.add(-x.phases[phaseTotal]), end: x.at, parts: parts{
		partDNS: x.phases[phaseDNS], partConnect: x.phases[phaseConnect], partTLS: x.phases[phaseTLS],
		partSend: x.phases[phaseSend] - x.send, partSendStall: x.send, partWait: x.phases[phaseWait],
		partReceive: x.phases[phaseReceive] - x.recv, partRecvStall: x.recv,
	}}
	var stopped span // the end of a response that stopped
	var asked string // only where it is needed: this is called for each exchange
	if x.open || x.class != nil {
		asked = text(x.method) + " " + text(x.url)
	}
	ends := x.open || is(x.class, "aborted") || is(x.class, "timeout")
	switch {
	case ends && x.status == 0:
		s.of = b.suspect(noAnswer, proxy, asked, "")
		b.unanswered(x, x.phases[phaseWait], "given up without an answer")
	case x.open && x.kind == nil:
		// A stream of events has no end to wait for.
		s.parts[partIdle], s.parts[partReceive] = s.parts[partReceive], 0
	case ends:
		stopped = s.stop(x)
		if length := stopped.end.sub(stopped.begin); length >= longWait {
			stopped.of = b.suspect(noRest, proxy, asked, "")
			b.unanswered(x, length, "given up in the middle of the response")
		}
	case x.class != nil && !x.notFound():
		s.of = b.suspect(badAnswer, proxy, asked, text(x.detail))
	}
	if x.open {
		what := "waits for an answer"
		if x.status != 0 {
			what = "has an answer that has not ended"
		}
		b.stillOpen(x.at, x.phases[phaseTotal], asked+" "+what)
	}
	b.run.add(s)
	if stopped.end > stopped.begin {
		b.run.add(stopped)
	}
}

// stop cuts off the end of a span, in which nothing came of a response that was given
// up, and returns it: waiting for the rest. Where it is not known how long that was it
// is all of the response.
func (s *span) stop(x *exchangeEvent) span {
	length := s.parts[partReceive]
	if x.silentKnown {
		length = min(length, x.silent)
	}
	s.parts[partReceive] -= length
	s.end = s.end.add(-length)
	return span{begin: s.end, end: s.end.add(length), parts: parts{partWait: length}}
}

// unanswered counts a request that was given up after a wait as a failure.
func (b *Builder) unanswered(x *exchangeEvent, waited time.Duration, what string) {
	if key := x.key(); x.open || waited < longWait || !is(x.class, "aborted") || b.said.told[key] {
		return
	}
	t := ofExchange(x)
	t.detail, t.via = text(x.url)+": "+what+", after "+human(waited), text(x.via)
	b.gaveUp.noteExchange(x, t)
}
