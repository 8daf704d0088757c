package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// Report is the sum of all runs read. "h2trace report --json" prints its JSON.
type Report struct {
	Runs int    `json:"runs"`
	Wall Millis `json:"wall_ms"`
	Time Time   `json:"time"`
	// Own has bounds on what the time of the processes themselves was made of; nil if it
	// is not known.
	Own     *Own     `json:"own"`
	Verdict Verdict  `json:"verdict"`
	Proxies []Proxy  `json:"proxies"`
	Kinds   []Kind   `json:"kinds"`
	Modules []Module `json:"modules"`
	Windows Windows  `json:"windows"`
	// Fallbacks has the most frequent first.
	Fallbacks []Fallback `json:"fallbacks"`
	// Direct has the fetches without a proxy, the slowest first.
	Direct []Direct `json:"direct"`

	// HTTPProxies has the HTTP proxies between clients and servers.
	HTTPProxies []HTTPProxy `json:"http_proxies"`

	// Clients has the clients of observed servers. Their wait is the time until the
	// server began its response.
	Clients []ServedClient `json:"clients"`
	// GoSpans has what go commands did, by their -debug-trace, with what took most of the
	// time of the processes themselves first.
	GoSpans []GoSpan `json:"go_spans"`
	// Served has the module requests that observed module proxies served.
	Served []ServedKind `json:"served"`
	// Programs has the programs besides the command, the slowest first.
	Programs []Program `json:"programs"`

	// Logs is nil without a log of "go -x".
	Logs *Logs `json:"logs"`

	SkippedLines int64 `json:"skipped_lines"`
	// Lost is the number of lost records. After a loss all counts may be too low.
	Lost int64 `json:"lost_records"`
	// Opaque has the connections of which nothing was decoded.
	Opaque Opaque `json:"not_decoded"`
	// LeftOut is the number of requests to proxies or modules beyond the bound on
	// distinguished ones.
	LeftOut int `json:"left_out"`
}

// Millis is a time in milliseconds, printed with three decimals. NaN is an unknown time, and
// null in JSON.
type Millis float64

// unknownTime is an unknown Millis.
var unknownTime = Millis(math.NaN())

func (m Millis) known() bool { return m == m }

// MarshalJSON implements json.Marshaler.
func (m Millis) MarshalJSON() ([]byte, error) {
	if !m.known() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(m), 'f', 3, 64), nil
}

func ms(d time.Duration) Millis { return Millis(float64(d) / 1e6) }

func (m Millis) duration() time.Duration { return time.Duration(m * 1e6) }

// Time is the critical path: its parts sum to the wall time. VCS is the time of git and the
// like. Other is that of the processes themselves, and of anything unseen. Idle is the time
// in which servers, and processes that were running before, had no request.
type Time struct {
	DNS     Millis `json:"dns_ms"`
	Connect Millis `json:"connect_ms"`
	TLS     Millis `json:"tls_ms"`
	Send    Millis `json:"send_ms"`
	Wait    Millis `json:"wait_ms"`
	Receive Millis `json:"receive_ms"`
	Stall   Millis `json:"stall_ms"`
	Other   Millis `json:"other_ms"`
	VCS     Millis `json:"vcs_ms"`
	Idle    Millis `json:"idle_ms"`
}

// Quantiles are within 1 % of the true ones, as they come from a sketch. They are nil without
// a measurement.
type Quantiles struct {
	P50 Millis `json:"p50"`
	P95 Millis `json:"p95"`
	P99 Millis `json:"p99"`
}

func quantiles(s *sketch) *Quantiles {
	var q [3]float64
	for i, p := range [...]float64{0.5, 0.95, 0.99} {
		v, ok := s.quantile(p)
		if !ok {
			return nil
		}
		q[i] = v / 1e6
	}
	return &Quantiles{Millis(q[0]), Millis(q[1]), Millis(q[2])}
}

// Tally counts some requests. Rate is the speed of large responses while their bytes came;
// nil without one.
type Tally struct {
	Requests    int64            `json:"requests"`
	Failures    map[string]int64 `json:"failures"`
	Wait        *Quantiles       `json:"wait_ms"`
	Total       *Quantiles       `json:"total_ms"`
	Bytes       Count            `json:"bytes"`
	Rate        *Millis          `json:"mb_per_s"`
	Redirects   Count            `json:"redirects"`
	NotModified int64            `json:"not_modified"`
}

func (t *tally) report() Tally {
	out := Tally{
		Requests: t.requests, Failures: map[string]int64{}, Wait: quantiles(&t.wait), Total: quantiles(&t.total),
		Bytes: Count(t.bytes), Redirects: Count(t.redirects), NotModified: t.notModified,
	}
	if t.onlyLogged() {
		out.Bytes, out.Redirects = Unknown, Unknown
	}
	maps.Copy(out.Failures, t.failures)
	if rate, ok := t.rate(); ok {
		out.Rate = new(Millis(rate))
	}
	return out
}

// Proxy is the tally of one proxy, or of one origin of other requests.
type Proxy struct {
	Proxy   string `json:"proxy"`
	modules int64  // requests for modules
	Tally
	Conns       Count      `json:"conns"`
	Reused      Count      `json:"reused"` // requests
	TLS         *Quantiles `json:"tls_ms"`
	RTT         *Quantiles `json:"rtt_ms"`
	Retransmits Count      `json:"retransmits"`
	OutOfOrder  Count      `json:"out_of_order"` // segments received after a missing one
	// Via has the HTTP proxies on the way. The TCP counters are those of the way to
	// these.
	Via        []string   `json:"via"`
	Handshakes Handshakes `json:"handshakes"`
	Cache      Caching    `json:"cache"`
	Issuer     string     `json:"issuer,omitempty"` // of certificates that no public authority made
	// Of connections that closed; nil if not known.
	Hops        *int64 `json:"hops"` // routers on the way
	MSS         *int64 `json:"mss"`  // bytes of a TCP segment, the least
	PeakConns   *int64 `json:"peak_conns"`
	PeakStreams *int64 `json:"peak_streams"`
	MaxStreams  *int64 `json:"max_concurrent_streams"`
}

// Handshakes counts the TLS handshakes of connections that closed.
type Handshakes struct {
	Full    Count `json:"full"`
	Resumed Count `json:"resumed"`
}

// Caching counts the responses of which a cache says whether it had them.
type Caching struct {
	Hits   Count `json:"hits"`
	Misses Count `json:"misses"`
}

// known returns nil for 0.
func known(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// Kind is the tally of one kind of requests.
type Kind struct {
	Kind string `json:"kind"`
	Tally
}

// Fallback counts the steps of the go command from one proxy to the next. Why is the status
// or the class of the failure. To is "direct" for the version control system, and "off" or
// "none" if GOPROXY allows nobody else after such a failure. Barred, if To is "none", is the
// entry that a "," excludes.
type Fallback struct {
	From   string `json:"from"`
	Why    string `json:"why"`
	To     string `json:"to"`
	Count  int64  `json:"count"`
	Lost   Millis `json:"lost_ms"` // until From had failed, in all
	Barred string `json:"barred,omitempty"`
}

// Module is the tally of one version of a module. Total is the sum over all its requests,
// some of which may have been concurrent. Wait is the part of it until responses began.
type Module struct {
	Path     string `json:"path"`
	Version  string `json:"version"`
	Requests int64  `json:"requests"`
	Failures int64  `json:"failures"`
	Bytes    Count  `json:"bytes"`
	Total    Millis `json:"total_ms"`
	Longest  Millis `json:"longest_ms"`
	Stalled  Millis `json:"stall_ms"` // for want of credit, either way
	Wait     Millis `json:"wait_ms"`
	// LongestWait is that of one request.
	LongestWait Millis `json:"longest_wait_ms"`
}

// Windows is the effect of flow control.
type Windows struct {
	Least  map[string]*int64 `json:"least_credit"` // bytes, by the keys of a frame's window
	Stalls []Stalls          `json:"stalls"`
}

// Stalls counts the stalls of one side. By says who granted too little.
type Stalls struct {
	Side   string `json:"side"`
	By     string `json:"by"`
	Count  int64  `json:"count"`
	Total  Millis `json:"stall_ms"`
	Window int64  `json:"window"` // the largest, in bytes
}

// slowest is the number of modules that a report names.
const slowest = 20

// Report returns the sum of all lines read so far.
func (b *Builder) Report() *Report {
	b.settleAll()
	p := &b.sums.parts
	r := &Report{
		Runs: b.sums.ends.runs,
		Time: Time{
			VCS: ms(p[partVCS]), DNS: ms(p[partDNS]), Connect: ms(p[partConnect]), TLS: ms(p[partTLS]), Send: ms(p[partSend]),
			Wait: ms(p[partWait]), Receive: ms(p[partReceive]), Stall: ms(p[partRecvStall] + p[partSendStall]), Other: ms(p[partOther]),
			Idle: ms(p[partIdle]),
		},
		Own:          b.sums.own.report(p[partOther]),
		Verdict:      newJudge(b.sums).verdict(),
		Proxies:      []Proxy{},
		Kinds:        []Kind{},
		Modules:      []Module{},
		SkippedLines: b.sums.skipped,
		Lost:         b.sums.lost,
		LeftOut:      b.sums.tables.proxies.leftOut + b.sums.tables.modules.leftOut,
	}
	for _, n := range p {
		r.Wall += ms(n)
	}
	for name, v := range b.sums.tables.proxies.values {
		if name == "" {
			continue // requests that began before the observation
		}
		r.Proxies = append(r.Proxies, Proxy{
			Proxy: name, modules: v.modules.requests, Tally: v.report(), Conns: v.count(v.conns), Reused: v.count(v.reused),
			TLS: quantiles(&v.handshake), RTT: quantiles(&v.rtt), Retransmits: v.count(v.retransmits),
			OutOfOrder: v.count(v.outOfOrder), Via: append([]string{}, v.via...),
			Handshakes: Handshakes{v.count(v.links.full), v.count(v.links.resumed)},
			Cache:      Caching{v.count(v.caching.hits), v.count(v.caching.misses)},
			Issuer:     v.links.issuer, Hops: known(v.links.hops), MSS: known(v.links.mss),
			PeakConns: known(v.links.most), PeakStreams: known(v.links.crowd.peak), MaxStreams: known(v.links.crowd.allowed),
		})
	}
	slices.SortFunc(r.Proxies, func(a, b Proxy) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Proxy, b.Proxy))
	})
	for name, v := range b.sums.tables.kinds.values {
		r.Kinds = append(r.Kinds, Kind{name, v.report()})
	}
	slices.SortFunc(r.Kinds, func(a, b Kind) int { return cmp.Compare(a.Kind, b.Kind) })
	r.Modules = slowestOf(&b.sums.tables.modules)
	r.Direct = b.sums.direct.report()
	r.HTTPProxies = b.sums.relays.report()
	r.Clients = b.sums.served.report()
	r.GoSpans = b.sums.trace.report(merged(b.sums.own.gaps))
	r.Served = b.sums.upstream.report()
	r.Programs = b.sums.tools.report()
	r.Opaque = Opaque{b.sums.opaque.conns, b.sums.opaque.reason, b.sums.opaque.counted}
	r.Fallbacks = []Fallback{}
	for f, n := range b.sums.chain.count {
		r.Fallbacks = append(r.Fallbacks, Fallback{f.from, f.why, f.to, n.count, ms(n.lost), f.barred})
	}
	slices.SortFunc(r.Fallbacks, func(a, b Fallback) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Why, b.Why),
			cmp.Compare(a.Barred, b.Barred))
	})
	r.Windows = b.sums.windows.report()
	b.sums.logged(r)
	return r
}

// slowestOf returns the slowest modules.
func slowestOf(modules *byName[module]) []Module {
	list := []Module{}
	for name, m := range modules.values {
		path, version, _ := cutLast(name, "@")
		list = append(list, m.report(path, version))
	}
	slices.SortFunc(list, func(a, b Module) int {
		return cmp.Or(cmp.Compare(b.least(), a.least()), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Version, b.Version))
	})
	return list[:min(len(list), slowest)]
}

func (w *windows) report() Windows {
	out := Windows{Least: make(map[string]*int64), Stalls: []Stalls{}}
	for i, key := range windowKeys {
		out.Least[key] = nil
		if c := w.least[i]; c.known {
			out.Least[key] = &c.bytes
		}
	}
	for i, s := range w.stalls {
		if s.count > 0 {
			side, by := "send_window", "the peers of the observed processes"
			if i == 1 {
				side, by = "recv_window", "the observed processes"
			}
			out.Stalls = append(out.Stalls, Stalls{side, by, s.count, ms(s.total), s.window})
		}
	}
	return out
}
