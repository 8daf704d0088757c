package report

import (
	"fmt"
	"math"
	"time"
)

// slowness explains the largest part of the time.
type slowness struct {
	*sums
	peer string // the most asked server
}

func newSlowness(s *sums) *slowness {
	if 2*s.tables.proxies.forModules() >= s.traffic.asked {
		return &slowness{s, "proxy"}
	}
	return &slowness{s, "server"}
}

// verdict returns the verdict on the largest part of the time.
func (s *slowness) verdict(part int) Verdict {
	switch part {
	case partDNS:
		return Verdict{DNS, "name resolution is slow: use another resolver, or a cache of names", nil}
	case partConnect:
		return Verdict{Connect, "making connections is slow: a nearer " + s.peer + " would help", nil}
	case partTLS:
		return s.handshaking()
	case partWait:
		return s.waiting()
	case partRecvStall:
		return s.windowLimited(RecvWindow, 1, "the process")
	case partSendStall:
		return s.windowLimited(SendWindow, 0, "its peer")
	case partSend:
		return Verdict{Bandwidth, "what the process sends leaves it slowly: the line, or the peer, takes it slowly", nil}
	}
	if l := s.lossy(); l.conns > 0 {
		return Verdict{PacketLoss, "packets are lost, and what is behind them waits: look at the line", []string{l.evidence()}}
	}
	v := Verdict{Bandwidth, "the line, or the " + s.peer + ", delivers slowly: a nearer one would help", nil}
	if bytes, ns := s.tables.proxies.received(); ns > 0 {
		v.Evidence = []string{fmt.Sprintf("%.1f MB came at %.2f MB/s", float64(bytes)/1e6, float64(bytes)/1e6/(float64(ns)/1e9))}
	}
	if l := s.losses(); l.conns > 0 {
		v.Evidence = append(v.Evidence, l.evidence()+": a line that is full loses some")
	}
	return v
}

// connecting is the verdict on connections whose phases took long together.
func (s *slowness) connecting(took, wall time.Duration) Verdict {
	most := partDNS
	for _, part := range [...]int{partConnect, partTLS} {
		if s.parts[part] > s.parts[most] {
			most = part
		}
	}
	v := s.verdict(most)
	v.Text = "new connections take long, their phases together: fewer of them, or a nearer " + s.peer + ", would help"
	v.Evidence = []string{share(took, wall), fmt.Sprintf("dns %s, connect %s, tls %s", human(s.parts[partDNS]), human(s.parts[partConnect]), human(s.parts[partTLS]))}
	return v
}

// handshaking separates handshakes that wait for the peer from those in which the process
// itself is slow.
func (s *slowness) handshaking() Verdict {
	h := &s.traffic.handshakes
	v := Verdict{TLS, "TLS handshakes are slow: a nearer " + s.peer + " would help, or fewer connections", nil}
	if h.verified > 0 {
		v.Evidence = []string{fmt.Sprintf("%d handshakes took %s, and %s of that the verifying of certificates", h.count, human(h.took), human(h.verified))}
	}
	if h.verified > h.took/2 {
		v.Text = "TLS handshakes are slow, because the process takes long to verify certificates: look at the load of this machine"
	}
	return v
}

// slowPeer says that servers answer all, or some, requests slowly.
func (s *slowness) slowPeer(some string) string {
	if s.peer == "server" {
		return "the server takes long to answer" + some
	}
	if some != "" {
		some += ", those maybe that it has to fetch for itself"
	}
	return "the proxy takes long to answer" + some + ": another proxy, or one with a warm cache, would help"
}

// longer is the multiple of the median from which on a wait is long.
const longer = 4

// waiting separates a distant proxy from a slow one. Requests to a distant proxy wait for a
// round trip, those to a slow one longer. A proxy that has cached only some modules is slow
// for the others.
func (s *slowness) waiting() Verdict {
	v := Verdict{ServerWait, s.slowPeer(""), nil}
	p := s.tables.proxies.busiest()
	if p == nil {
		p = s.tables.proxies.mostWaitedFor()
	}
	if p == nil {
		return v
	}
	wait, ok := p.wait.quantile(0.5)
	if !ok {
		return v
	}
	v.Evidence = []string{fmt.Sprintf("requests waited %s (median)", human(time.Duration(wait)))}
	rtt, ok := p.rtt.quantile(0.5)
	if ok {
		v.Evidence[0] += ", and a round trip took " + human(time.Duration(rtt))
	}
	count, sum := p.wait.beyond(longer * wait)
	switch waited := float64(p.waited); {
	case min(rtt, wait)*float64(p.wait.count) > waited/2: // a busy machine makes round trips seem longer than waits
		v.Text = "the " + s.peer + " is far away, and requests wait for each other a round trip at a time: a nearer one would help"
	case sum > waited/2:
		v.Text = s.slowPeer(" some requests")
		v.Evidence = append(v.Evidence, fmt.Sprintf("%d of %d requests waited more than %d times as long, and make %.0f %% of the waiting",
			count, p.wait.count, longer, min(sum/waited, 1)*100))
	}
	return v
}

// slowReader is the factor by which the throughput is below that of the window, if the
// receiver is slow and the window not too small.
const slowReader = 4

// windowLimited returns the throughput that the window allows: one window a round trip. With
// much less, the receiver reads slowly.
func (s *slowness) windowLimited(c Cause, side int, who string) Verdict {
	w := &s.windows.stalls[side]
	v := Verdict{Cause: c, Evidence: []string{several(w.count, "stall", "stalls") + ", " + human(w.total) + " in all"}}
	rtt, ok := s.rtt(side)
	if !ok || rtt < 1e3 || w.window == 0 {
		v.Text = fmt.Sprintf("limited by the window of %d bytes that %s grants: a larger one would help, unless it reads slowly", w.window, who)
		return v
	}
	rate := float64(w.window) / (rtt / 1e9)
	bytes, ns := s.moved(side)
	if ns > 0 {
		v.Evidence = append(v.Evidence, fmt.Sprintf("%.2f MB/s went through, where the window allows %.2f", float64(bytes)/1e6/ns.Seconds(), rate/1e6))
	}
	if n := s.tables.proxies.unread(); n > 0 && side == 1 {
		v.Evidence = append(v.Evidence, fmt.Sprintf("%d bytes lay unread in sockets when they were closed", n))
	}
	if ns > 0 && slowReader*float64(bytes)/(float64(ns)/1e9) < rate {
		if side == 1 {
			v.Cause = Client
		}
		v.Text = fmt.Sprintf("%s reads slowly, and so the window of %d bytes that it grants is used up: %.2f MB/s went through, "+
			"where the window allows %.2f; a larger one would not help", who, w.window, float64(bytes)/1e6/(float64(ns)/1e9), rate/1e6)
		return v
	}
	v.Text = fmt.Sprintf("limited by the window that %s grants: %d bytes ÷ %.1f ms = %.2f MB/s", who, w.window, rtt/1e6, rate/1e6)
	if side == 1 {
		if need := s.wanted(rtt, w.window); need > 0 {
			v.Text += fmt.Sprintf("; a window of %d bytes would not hold it up", need)
		}
	}
	return v
}

// wanted returns the window that the line fills in one round trip, at the speed of the bytes
// between the stalls. It is a power of two and at least twice the present window, or 0 if
// unknown.
func (s *slowness) wanted(rtt float64, window int64) int64 {
	bytes, ns := s.tables.proxies.received()
	moving := ns - s.windows.stalls[1].total
	if moving <= 0 {
		return 0
	}
	need := float64(bytes) / float64(moving) * rtt
	need = math.Exp2(math.Ceil(math.Log2(max(need, 2*float64(window)))))
	return int64(min(need, 1<<30))
}

// rtt returns the median round-trip time to the busiest proxy; for side 0, where an observed
// server sends, to its clients.
func (s *slowness) rtt(side int) (ns float64, ok bool) {
	if side == 0 && s.served.all.receive > 0 {
		return s.served.rtt.quantile(0.5)
	}
	if p := s.tables.proxies.busiest(); p != nil {
		return p.rtt.quantile(0.5)
	}
	return 0, false
}

// moved returns the bytes of large responses, and the time in which they came: of received
// responses, or for side 0 of those that an observed server sent.
func (s *slowness) moved(side int) (bytes int64, took time.Duration) {
	if side == 1 {
		return s.tables.proxies.received()
	}
	return s.served.all.bulk, s.served.all.receive
}
