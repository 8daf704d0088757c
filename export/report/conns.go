package report

import "strings"

// openedConn takes a connection that was made, or met.
func (b *Builder) openedConn(e *openEvent) {
	b.connections++
	b.run.dials.opened(e)
	b.run.opened(e)
	b.handshakes.add(e.phases[phaseTLS], e.verify)
}

// failedConn takes a connection that was not made, or a name that was not resolved.
func (b *Builder) failedConn(e *failedEvent) {
	r := b.run
	x := &e.phases
	var f fault
	who := text(e.remote)
	switch e.className() {
	case "dns":
		f, who = noName, text(e.name)
	case "connect":
		f = badConnect
		if detail := text(e.detail); detail == "given up by the process" || strings.HasPrefix(detail, "ETIMEDOUT") {
			f = noConnect
		}
	case "tls":
		f = badHandshake
		if name := text(e.name); name != "" {
			who = name + " (" + who + ")"
		}
	}
	var of *suspect
	if f != 0 && !e.server {
		of = b.suspect(f, who, "", text(e.detail))
		r.add(span{
			begin: e.at.add(-x[phaseDNS] - x[phaseConnect] - x[phaseTLS]), end: e.at, of: of,
			parts: parts{partDNS: x[phaseDNS], partConnect: x[phaseConnect], partTLS: x[phaseTLS]},
		})
	}
	r.dials.fail(e, of)
	b.handshakes.add(x[phaseTLS], e.verify)
}

// closed takes the end of a connection.
func (b *Builder) closed(e *closeEvent) {
	c := b.run.conns[string(e.conn)]
	if c == nil {
		return
	}
	delete(b.run.conns, string(e.conn))
	if e.moved > 0 || e.secrecy == versionTLS {
		b.run.spoke(c)
	}
	b.unended(c, e.at)
	if c.server && e.rttKnown {
		b.served.rtt.add(e.rtt)
	}
	if c.proxy == nil {
		return
	}
	c.proxy.retransmits += e.retransmits
	c.proxy.outOfOrder += e.outOfOrder
	c.proxy.line.close(e)
	if e.rttKnown {
		c.proxy.rtt.add(e.rtt)
	}
}

// unended takes a connection whose TLS handshake had not ended when it was closed,
// or when the run ended.
func (b *Builder) unended(c *connection, at wallTime) {
	begin := c.handshake
	if begin == 0 || at < begin {
		return
	}
	b.run.spoke(c)
	of := b.suspect(noHandshake, c.remote, "", "")
	b.run.add(span{begin: begin, end: at, of: of, parts: parts{partTLS: at.sub(begin)}})
}

// silent takes a connection on which nothing was seen, up to where it was closed, or
// the observing ended.
func (b *Builder) silent(e *silentEvent) {
	if e.server {
		return
	}
	if e.moved > 0 {
		b.connections++
	}
	if is(e.state, "connected") {
		b.silences++
	}
	who := strings.Trim(text(e.name)+" "+text(e.remote), " ")
	state, s := "has carried nothing", span{begin: e.at.add(-e.silent), end: e.at}
	switch {
	case is(e.state, "connecting"):
		state, s.parts = "is not made", parts{partConnect: e.silent}
		s.of = b.suspect(noConnect, text(e.remote), "", "")
	// What is sent last may be an acknowledgement of what came just before.
	case e.asked && (!e.spokeBefore || e.otherWay-e.silent > longWait):
		state, s.parts = "has carried nothing, and the process spoke last,", parts{partWait: e.silent}
		s.of = b.suspect(quiet, who, "", "")
	}
	if s.of != nil {
		b.run.add(s)
	}
	// net/http dials more connections than a command needs in the end.
	if !is(e.state, "closed") && (s.of != nil || b.run.command == 0) {
		b.stillOpen(e.at, e.silent, "the connection to "+who+" "+state)
	}
}
