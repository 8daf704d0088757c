package report

import (
	"strings"

	"h2trace/export/scan"
)

// opened takes a new connection, or one joined in the middle.
func (r *run) opened(e *openEvent) {
	r.sums.traffic.connections++
	r.dials.opened(e)
	r.connected(e)
	if !e.server {
		r.sums.measures.connection(&e.phaseKeys)
	}
	r.sums.traffic.handshakes.add(e.phases[phaseTLS], e.verify)
}

// connected puts the phases of a connection on the path, as all its exchanges waited for
// them. It records the start of the TLS handshake.
func (r *run) connected(e *openEvent) {
	x := &e.phases
	if before := x[phaseDNS] + x[phaseConnect]; !e.server && before+x[phaseTLS] > 0 {
		r.add(span{
			begin: e.at.add(-before), end: e.at.add(x[phaseTLS]),
			parts: parts{partDNS: x[phaseDNS], partConnect: x[phaseConnect], partTLS: x[phaseTLS]},
		})
	}
	c := r.conns.get(e.conn)
	if c == nil {
		return
	}
	c.server, c.remote, c.begin = e.server, scan.Text(e.remote), e.at
	if e.client && len(r.conns.own) < maxConns {
		if r.conns.own == nil {
			r.conns.own = make(map[string]bool)
		}
		c.local = scan.Text(e.local)
		r.conns.own[c.local] = true
	}
	if e.server {
		r.sums.upstream.opened()
		if len(r.conns.served) < maxConns {
			if r.conns.served == nil {
				r.conns.served = make(map[string]bool)
			}
			r.conns.served[c.remote] = true
		}
		c.peer, _, _ = cutLast(c.remote, ":")
	}
	if e.client && e.start && e.secrecy == someTLS && !e.known[phaseTLS] {
		c.handshake = e.at
		r.conns.handshaking++
	}
}

// failedConn takes a failed connection, or a failed lookup.
func (r *run) failedConn(e *failedEvent) {
	x := &e.phases
	var f fault
	who := scan.Text(e.remote)
	switch e.className() {
	case "dns":
		f, who = noName, scan.Text(e.name)
	case "connect":
		f = badConnect
		if detail := scan.Text(e.detail); detail == "given up by the process" || strings.HasPrefix(detail, "ETIMEDOUT") {
			f = noConnect
		}
	case "tls":
		f = badHandshake
		if name := scan.Text(e.name); name != "" {
			who = name + " (" + who + ")"
		}
	}
	var of *suspect
	if f != 0 && !e.server {
		of = r.sums.suspects.get(f, who, "", scan.Text(e.detail))
		r.add(span{
			begin: e.at.add(-x[phaseDNS] - x[phaseConnect] - x[phaseTLS]), end: e.at, of: of,
			parts: parts{partDNS: x[phaseDNS], partConnect: x[phaseConnect], partTLS: x[phaseTLS]},
		})
	}
	r.dials.fail(e, of)
	if !e.server {
		r.sums.measures.connection(&e.phaseKeys)
	}
	r.sums.traffic.handshakes.add(x[phaseTLS], e.verify)
}

// closed takes the end of a connection.
func (r *run) closed(e *closeEvent) {
	c := r.conns.open[string(e.conn)]
	if c == nil {
		return
	}
	delete(r.conns.open, string(e.conn))
	r.sums.opaque.close(e)
	if e.moved > 0 || e.secrecy == versionTLS {
		r.conns.spoke(c)
	}
	r.unended(c, e.at)
	if c.server && e.rttKnown {
		r.sums.served.rtt.add(e.rtt)
	}
	if c.proxy == nil {
		return
	}
	c.proxy.retransmits += e.retransmits
	c.proxy.outOfOrder += e.outOfOrder
	c.proxy.line.close(e)
	c.proxy.links.closed(e)
	c.proxy.links.over(interval{c.begin, e.at})
	if e.rttKnown {
		c.proxy.rtt.add(e.rtt)
	}
}

// unended takes a connection that was closed in its TLS handshake, or was in it when the run
// ended.
func (r *run) unended(c *connection, at wallTime) {
	begin := c.handshake
	if begin == 0 || at < begin {
		return
	}
	r.conns.spoke(c)
	of := r.sums.suspects.get(noHandshake, c.remote, "", "")
	r.add(span{begin: begin, end: at, of: of, parts: parts{partTLS: at.sub(begin)}})
}

// silent takes a connection without observed data, up to its close or the end of the
// observation.
func (r *run) silent(e *silentEvent) {
	if e.server {
		return
	}
	if e.moved > 0 {
		r.sums.traffic.connections++
	}
	if scan.Is(e.state, "connected") {
		r.sums.traffic.silences++
	}
	who := strings.Trim(scan.Text(e.name)+" "+scan.Text(e.remote), " ")
	state, s := "has carried nothing", span{begin: e.at.add(-e.silent), end: e.at}
	switch {
	case scan.Is(e.state, "connecting"):
		state, s.parts = "is not made", parts{partConnect: e.silent}
		s.of = r.sums.suspects.get(noConnect, scan.Text(e.remote), "", "")
	// The last data sent may acknowledge the data received just before.
	case e.asked && (!e.spokeBefore || e.otherWay-e.silent > longWait):
		state, s.parts = "has carried nothing, and the process spoke last,", parts{partWait: e.silent}
		s.of = r.sums.suspects.get(quiet, who, "", "")
	}
	if s.of != nil {
		r.add(s)
	}
	// net/http dials more connections than a command needs in the end.
	if !scan.Is(e.state, "closed") && (s.of != nil || r.command == 0) {
		r.sums.unended.add(e.at, e.silent, "the connection to "+who+" "+state)
	}
}
