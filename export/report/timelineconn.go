package report

import (
	"fmt"
	"strconv"
	"time"

	"h2trace/export/scan"
)

// drawnConn is a connection, or an attempt at one.
type drawnConn struct {
	event      int64 // 0 if it was seen by its exchanges alone
	id, peer   string
	process    int // -1 if it is not drawn
	begin, end wallTime
	phases     [3]time.Duration // dns, connect, tls
	server     bool
	failed     string
	facts      [][2]string
	curves     []*curve
	live       map[curveKey]*curve
}

// conn returns the place of a connection, or -1.
func (d *drawnRun) conn(id []byte) int {
	if i, ok := d.open[string(id)]; ok {
		return i
	}
	return -1
}

// addConn adds a connection, and returns its place, or -1 if there are too many.
func (t *timeline) addConn(c drawnConn) int {
	if t.held.conns == maxDrawnConns {
		t.leftOut.conns++
		return -1
	}
	t.held.conns++
	t.now.conns = append(t.now.conns, c)
	return len(t.now.conns) - 1
}

func (t *timeline) opened(e *openEvent, of *run) {
	x := &e.phases
	c := drawnConn{
		event: of.event, id: short(scan.Text(e.conn)), peer: peerText(&e.peerKeys),
		process: t.process(&e.head, false), server: e.server,
		begin: e.at.add(-x[phaseDNS] - x[phaseConnect]), end: e.at.add(x[phaseTLS]),
		phases: [3]time.Duration{x[phaseDNS], x[phaseConnect], x[phaseTLS]},
	}
	if issuer := scan.Text(e.issuer); issuer != "" {
		c.facts = append(c.facts, [2]string{"certificate issued by", short(issuer)})
	}
	if i := t.addConn(c); i >= 0 {
		t.now.open[string(e.conn)] = i
	}
}

func (t *timeline) failed(e *failedEvent, of *run) {
	x := &e.phases
	t.addConn(drawnConn{
		event: of.event, peer: peerText(&e.peerKeys), process: t.process(&e.head, false), server: e.server,
		begin: e.at.add(-x[phaseDNS] - x[phaseConnect] - x[phaseTLS]), end: e.at,
		phases: [3]time.Duration{x[phaseDNS], x[phaseConnect], x[phaseTLS]},
		failed: short(e.className() + ": " + scan.Text(e.detail)),
	})
}

func (t *timeline) silent(e *silentEvent, of *run) {
	t.addConn(drawnConn{
		event: of.event, peer: peerText(&e.peerKeys), process: t.process(&e.head, false), server: e.server,
		begin: e.at.add(-e.silent), end: e.at, failed: short("silent: " + scan.Text(e.state)),
	})
}

func peerText(p *peerKeys) string {
	name, remote := scan.Text(p.name), scan.Text(p.remote)
	if name == "" {
		return short(remote)
	}
	if remote == "" {
		return short(name)
	}
	return short(name + " (" + remote + ")")
}

func (t *timeline) closed(e *closeEvent) {
	i := t.now.conn(e.conn)
	if i < 0 {
		return
	}
	delete(t.now.open, string(e.conn))
	c := &t.now.conns[i]
	c.end = max(c.end, e.at)
	fact := func(name, value string) { c.facts = append(c.facts, [2]string{name, value}) }
	if p := scan.Text(e.protocol); p != "" {
		fact("protocol", short(p))
	}
	if e.rttKnown {
		fact("round trip", human(e.rtt))
	}
	if e.minRTT > 0 {
		fact("least round trip", human(e.minRTT))
	}
	if e.segments > 0 {
		fact("TCP segments", fmt.Sprintf("%d, %d sent again, %d out of order", e.segments, e.retransmits, e.outOfOrder))
	}
	if e.crowd.peak > 0 {
		fact("most streams at once", decimal(e.crowd.peak))
	}
	if reason := scan.Text(e.reason); reason != "" {
		fact("not seen", short(reason))
	}
	c.endCurves(t)
}

// endConns ends the connections that are open.
func (d *drawnRun) endConns(t *timeline) {
	for i := range d.conns {
		d.conns[i].endCurves(t)
	}
	for _, i := range d.open {
		d.conns[i].end = max(d.conns[i].end, d.end)
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
