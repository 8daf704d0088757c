package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Cause is what made the runs long.
type Cause string

// The causes.
const (
	Healthy    Cause = "healthy"
	DNS        Cause = "dns"
	Connect    Cause = "connect"
	TLS        Cause = "tls"
	ServerWait Cause = "server_wait"
	Bandwidth  Cause = "bandwidth"
	PacketLoss Cause = "packet_loss"
	RecvWindow Cause = "recv_window"
	SendWindow Cause = "send_window"
	Client     Cause = "client"
	Errors     Cause = "errors"
	Checksum   Cause = "checksum"
)

// Verdict is the cause, in a sentence that also says what would help, and what
// it rests on.
type Verdict struct {
	Cause    Cause    `json:"cause"`
	Text     string   `json:"text"`
	Evidence []string `json:"evidence"`
}

// A part of the wall time is a cause when it exceeds both.
const (
	largeShare = 0.30
	largeTime  = 100e6 // ns
)

// failureCauses are the classes of failures that are causes of their own.
var failureCauses = map[string]Cause{
	"checksum": Checksum, "dns": DNS, "connect": Connect, "tls": TLS,
}

func (b *Builder) verdict() Verdict {
	v := b.judge()
	v.Evidence = append(v.Evidence, b.blind()...)
	if v.Evidence == nil {
		v.Evidence = []string{}
	}
	return v
}

func (b *Builder) judge() Verdict {
	// The go command asks for the lists of path prefixes that are no modules, and
	// what answers "forbidden" fails nothing.
	failed := len(b.errors.count) > 0
	costly := b.failed > 0 || 2*b.errors.time >= b.spent
	if len(b.reported.count)+len(b.unmade.count) > 0 || failed && costly {
		return b.failure()
	}
	largest, size := partOther, int64(0)
	wall := int64(0)
	for i, n := range b.parts {
		if wall += n; i != partOther && n > size {
			largest, size = i, n
		}
	}
	if lost := b.lostToLine(); lost > 0 {
		rest := b.parts[partWait] - (lost - b.parts[partReceive])
		if lost >= rest && (lost >= size || largest == partWait) {
			largest, size = partReceive, lost
		}
	}
	switch {
	case size > largeTime && float64(size) > largeShare*float64(wall):
		v := b.slow(largest)
		v.Evidence = append([]string{share(size, wall)}, v.Evidence...)
		if failed {
			v.Evidence = append(v.Evidence, b.failure().Evidence...)
		}
		return v
	case failed:
		return b.failure()
	case b.failed > 0:
		return Verdict{Client, fmt.Sprintf("the command failed in %d of %d runs, and no request of it did: read what it printed", b.failed, b.runs), nil}
	case b.runs == 0:
		return Verdict{Client, "nothing was recorded: run h2trace with -o FILE and report FILE", nil}
	}
	own := b.parts[partOther]
	return Verdict{
		Healthy,
		fmt.Sprintf("nothing failed, and no phase of the network took more than %.0f %% of the time and %.0f ms", largeShare*100, largeTime/1e6),
		[]string{share(own, wall) + " went to the processes themselves"},
	}
}

// share writes a part of the wall time.
func share(part, wall int64) string {
	return fmt.Sprintf("%s of %s (%.0f %%)", human(part), human(wall), 100*float64(part)/float64(max(wall, 1)))
}

// failure returns the verdict on what failed, where it is not the time that it
// took. What the go command says counts more than single requests: it may have
// asked again, or somebody else.
func (b *Builder) failure() Verdict {
	v := Verdict{Cause: Errors}
	var all []string
	var via string // the HTTP proxy that is the cause
	for _, f := range []*failures{&b.reported, &b.unmade, &b.errors} {
		classes := slices.SortedFunc(maps.Keys(f.count), func(x, y string) int {
			return cmp.Or(cmp.Compare(f.count[y], f.count[x]), cmp.Compare(x, y))
		})
		for _, class := range classes {
			v.Evidence = append(v.Evidence, fmt.Sprintf("%d × %s, such as %s", f.count[class], class, f.example[class]))
			if c, ok := failureCauses[class]; ok && v.Cause == Errors {
				v.Cause, via = c, f.via[class]
			}
			if !slices.Contains(all, class) {
				all = append(all, class)
			}
		}
	}
	harmless := b.failed == 0 && len(b.reported.count) == 0
	advice := "try another proxy; h2trace report --suggest names the best of those measured"
	if harmless {
		advice = "no command is known to have failed by it; h2trace report --suggest compares the proxies"
	}
	v.Text = map[Cause]string{
		Errors:   "requests failed (" + strings.Join(all, ", ") + "): " + advice,
		Checksum: "a module is not what go.sum or the checksum database says: do not use it, and fetch it from another proxy",
		DNS:      "names could not be resolved: look at the resolver",
		Connect:  "connections could not be made: look at the address, the network and the firewall",
		TLS:      "TLS handshakes failed: look at the certificate, and at what stands between",
	}[v.Cause]
	if advice := relayAdvice[v.Cause]; via != "" && advice != "" {
		v.Text = fmt.Sprintf(advice, via)
	}
	if harmless && v.Cause != Errors {
		v.Text += "; no command is known to have failed by it"
	}
	return v
}

// slow returns the verdict on the part that takes most of the time.
func (b *Builder) slow(part int) Verdict {
	switch part {
	case partDNS:
		return Verdict{DNS, "name resolution is slow: use another resolver, or a cache of names", nil}
	case partConnect:
		return Verdict{Connect, "making connections is slow: a nearer proxy would help", nil}
	case partTLS:
		return b.handshaking()
	case partWait:
		return b.waiting()
	case partRecvStall:
		return b.windowLimited(RecvWindow, 1, "the process")
	case partSendStall, partSend:
		return b.windowLimited(SendWindow, 0, "its peer")
	}
	if l := b.lossy(); l.conns > 0 {
		return Verdict{PacketLoss, "packets are lost, and what is behind them waits: look at the line", []string{l.evidence()}}
	}
	v := Verdict{Bandwidth, "the line, or the proxy, delivers slowly: a nearer proxy would help", nil}
	if bytes, ns := b.received(); ns > 0 {
		v.Evidence = []string{fmt.Sprintf("%.1f MB came at %.2f MB/s", float64(bytes)/1e6, float64(bytes)/1e6/(float64(ns)/1e9))}
	}
	return v
}

// handshaking tells handshakes that wait for the peer from those in which the
// process itself is slow.
func (b *Builder) handshaking() Verdict {
	h := &b.handshakes
	v := Verdict{TLS, "TLS handshakes are slow: a nearer proxy would help, or fewer connections", nil}
	if h.verified > 0 {
		v.Evidence = []string{fmt.Sprintf("%d handshakes took %s, and %s of that the verifying of certificates", h.count, human(h.took), human(h.verified))}
	}
	if h.verified > h.took/2 {
		v.Text = "TLS handshakes are slow, because the process takes long to verify certificates: look at the load of this machine"
	}
	return v
}

// longer is how many times the median makes a wait one of the long ones.
const longer = 4

// waiting tells a proxy that is far away from one that is slow: both make
// requests wait, the one for a round trip and the other for longer. One that has
// some of what it is asked for at hand, and not all, is slow for the rest.
func (b *Builder) waiting() Verdict {
	v := Verdict{ServerWait, "the proxy takes long to answer: another proxy, or one with a warm cache, would help", nil}
	p := b.busiest()
	if p == nil {
		return v
	}
	rtt, ok1 := p.rtt.quantile(0.5)
	wait, ok2 := p.wait.quantile(0.5)
	if !ok1 || !ok2 {
		return v
	}
	v.Evidence = []string{fmt.Sprintf("requests waited %s (median), and a round trip took %s", human(int64(wait)), human(int64(rtt)))}
	count, sum := p.wait.beyond(longer * wait)
	switch waited := float64(p.waited); {
	case rtt*float64(p.wait.count) > waited/2:
		v.Text = "the proxy is far away, and requests wait for each other a round trip at a time: a nearer proxy would help"
	case sum > waited/2:
		v.Text = "the proxy takes long to answer some requests, those maybe that it has to fetch for itself: another proxy, or one with a warm cache, would help"
		v.Evidence = append(v.Evidence, fmt.Sprintf("%d of %d requests waited more than %d times as long, and make %.0f %% of the waiting",
			count, p.wait.count, longer, min(sum/waited, 1)*100))
	}
	return v
}

// windowLimited says what the window allows: one window a round trip.
func (b *Builder) windowLimited(c Cause, side int, who string) Verdict {
	s := &b.windows.stalls[side]
	v := Verdict{Cause: c, Evidence: []string{fmt.Sprintf("%d stalls, %s in all", s.count, human(s.total))}}
	rtt, ok := b.rtt()
	if !ok || rtt < 1e3 || s.window == 0 {
		v.Text = fmt.Sprintf("limited by the window of %d bytes that %s grants: a larger one would help", s.window, who)
		return v
	}
	rate := float64(s.window) / (rtt / 1e9)
	v.Text = fmt.Sprintf("limited by the window that %s grants: %d bytes ÷ %.1f ms = %.2f MB/s", who, s.window, rtt/1e6, rate/1e6)
	if side == 1 {
		if need := b.wanted(rtt, s.window); need > 0 {
			v.Text += fmt.Sprintf("; a window of %d bytes would not hold it up", need)
		}
	}
	return v
}

// wanted returns the window that the line fills in one round trip at the speed
// at which bytes came between the stalls: a power of two, at least twice the
// present window, or 0 when that is not known.
func (b *Builder) wanted(rtt float64, window int64) int64 {
	bytes, ns := b.received()
	moving := ns - b.windows.stalls[1].total
	if moving <= 0 {
		return 0
	}
	need := float64(bytes) / float64(moving) * rtt
	need = math.Exp2(math.Ceil(math.Log2(max(need, 2*float64(window)))))
	return int64(min(need, 1<<30))
}

// blind says what the verdict could not see.
func (b *Builder) blind() []string {
	var list []string
	if b.retries > 0 {
		list = append(list, fmt.Sprintf("%d requests repeat one that got no answer", b.retries))
	}
	if b.lost > 0 {
		list = append(list, fmt.Sprintf("%d records were lost: there may be more", b.lost))
	}
	if b.skipped > 0 {
		list = append(list, fmt.Sprintf("%d lines were no events, or damaged", b.skipped))
	}
	return list
}

// lossy sums up the connections over lines that lose packets.
func (b *Builder) lossy() (sum line) {
	for _, p := range b.proxies.values {
		sum.conns += p.line.conns
		sum.retransmits += p.line.retransmits
		sum.outOfOrder += p.line.outOfOrder
		sum.segments += p.line.segments
	}
	return sum
}

// busiest returns the proxy with most bytes of those whose round-trip time is
// known, or nil.
func (b *Builder) busiest() *proxy {
	var most *proxy
	for _, p := range b.proxies.values {
		if p.rtt.count > 0 && (most == nil || p.bytes > most.bytes) {
			most = p
		}
	}
	return most
}

// rtt returns the median round-trip time to the busiest proxy.
func (b *Builder) rtt() (ns float64, ok bool) {
	if p := b.busiest(); p != nil {
		return p.rtt.quantile(0.5)
	}
	return 0, false
}

func (b *Builder) received() (bytes, ns int64) {
	for _, p := range b.proxies.values {
		bytes += p.bulk
		ns += p.receive
	}
	return bytes, ns
}

// human writes a time for reading.
func human(ns int64) string {
	switch {
	case ns >= 1e9:
		return fmt.Sprintf("%.2f s", float64(ns)/1e9)
	case ns >= 10e6:
		return fmt.Sprintf("%.0f ms", float64(ns)/1e6)
	case ns >= 1e6:
		return fmt.Sprintf("%.1f ms", float64(ns)/1e6)
	}
	return fmt.Sprintf("%.3f ms", float64(ns)/1e6)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
