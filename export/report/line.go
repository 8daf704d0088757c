package report

import (
	"fmt"
	"math"
	"time"
)

// line counts the losses on connections over a lossy line.
type line struct {
	conns, retransmits, outOfOrder, segments int64
	// allows is the least rate that TCP has on one of them, in bytes a second.
	allows float64
}

// A connection is over such a line when more than one in lossShare of its
// segments, and more than fewLosses, were sent again or missing, and its packets do not
// queue. A line that is only full loses packets too: those for which its queue has
// no room. There the queue makes each packet wait: the round-trip time is queueing
// times the least, and longer by queued. What a busy machine adds to a short one is
// less.
const (
	lossShare = 100
	fewLosses = 5 // which an impatient timer makes, too
	queueing  = 3
	queued    = 50 * time.Millisecond
)

// With losses at a share p, TCP has a window of 1.2/√p segments (RFC 3649 §2), and so a rate:
// the window a round trip. Bytes that came slower than a quarter of it, on each connection
// with losses, were not slow because of these: the line was full now and then. A round trip
// is taken as at least leastTrip, for what both ends take.
const (
	allowedShare = 4
	leastTrip    = time.Millisecond
	usualMSS     = 1448
)

// close takes the end of a connection.
func (l *line) close(e *closeEvent) {
	if n := e.retransmits + e.missed(); n <= fewLosses || n*lossShare <= e.segments || e.segments == 0 {
		return
	}
	trip := e.rtt
	if e.rcvRTT > 0 {
		trip = min(trip, e.rcvRTT) // lost acknowledgments make the other one longer
	}
	if e.minRTT > 0 && trip >= max(queueing*e.minRTT, e.minRTT+queued) {
		return
	}
	if rate := e.allowed(); l.conns == 0 || rate < l.allows {
		l.allows = rate
	}
	l.conns++
	l.retransmits += e.retransmits
	l.outOfOrder += e.outOfOrder
	l.segments += e.segments
}

// missed returns how many segments were missing when later ones came. All in a window that
// come after one are out of order, so that number says little. Where the missing ones are not
// counted, they are taken from the window that TCP has at a share p of losses, 1.2/√p segments
// (RFC 3649 §2): of all, 1.2·√p are then out of order. After a single loss fewer are.
func (e *closeEvent) missed() int64 {
	switch {
	case e.holesKnown:
		return min(e.outOfOrder, e.holes)
	case e.received == 0:
		return e.outOfOrder
	}
	return min(e.outOfOrder, e.outOfOrder*e.outOfOrder*100/(144*e.received))
}

// allowed returns the rate that the losses allow, in bytes a second; 0 where the round trip is
// not known.
func (e *closeEvent) allowed() float64 {
	trip := e.minRTT
	if trip == 0 {
		trip = e.rtt
	}
	if trip == 0 {
		return 0
	}
	p := float64(e.retransmits+e.missed()) / float64(e.segments)
	return 1.2 / math.Sqrt(p) * usualMSS / max(trip, leastTrip).Seconds()
}

// add adds the losses of another line.
func (l *line) add(m *line) {
	if m.conns > 0 && (l.conns == 0 || m.allows < l.allows) {
		l.allows = m.allows
	}
	l.conns += m.conns
	l.retransmits += m.retransmits
	l.outOfOrder += m.outOfOrder
	l.segments += m.segments
}

// losses sums up the connections over lines that lose packets.
func (s *sums) losses() (sum line) {
	for _, p := range s.tables.proxies.values {
		sum.add(&p.line)
	}
	return sum
}

// lossy sums up the connections over lines whose losses made responses slow. What came is known
// of large responses, and took the time in which these came: on the path are small ones, too.
func (s *sums) lossy() line {
	sum := s.losses()
	bytes, took := s.tables.proxies.received()
	if took = min(took, s.parts[partReceive]); bytes > 0 && took > 0 && allowedShare*float64(bytes)/took.Seconds() < sum.allows {
		return line{}
	}
	return sum
}

func (l *line) evidence() string {
	return fmt.Sprintf("of %d TCP segments, %d were sent again by the process, and %d came behind one that was missing",
		l.segments, l.retransmits, l.outOfOrder)
}

// lostToLine returns how much of the critical path a line that loses packets
// may have taken: the time in which responses came, and that for which requests
// waited longer than a round trip. It is 0 where no line loses packets.
func (s *sums) lostToLine() time.Duration {
	p := s.tables.proxies.busiest()
	if p == nil || s.lossy().conns == 0 {
		return 0
	}
	lost := s.parts[partReceive]
	rtt, ok := p.rtt.quantile(0.5)
	if n := float64(p.wait.count); ok && p.waited > 0 {
		lost += time.Duration(float64(s.parts[partWait]) * max(0, 1-rtt*n/float64(p.waited)))
	}
	return lost
}
