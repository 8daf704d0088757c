package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Report is the sum of all runs that were read. Its JSON is what "h2trace report
// --json" prints.
type Report struct {
	Runs    int      `json:"runs"`
	Wall    Millis   `json:"wall_ms"`
	Time    Time     `json:"time"`
	Verdict Verdict  `json:"verdict"`
	Proxies []Proxy  `json:"proxies"`
	Kinds   []Kind   `json:"kinds"`
	Modules []Module `json:"modules"`
	Windows Windows  `json:"windows"`
	// Fallbacks are the most frequent first.
	Fallbacks []Fallback `json:"fallbacks"`
	// Direct is what was fetched without a proxy, the slowest first.
	Direct []Direct `json:"direct"`

	// HTTPProxies are those through which others were reached.
	HTTPProxies []HTTPProxy `json:"http_proxies"`

	// Clients are those of observed servers; their wait is what the server took to
	// begin its response.
	Clients []ServedClient `json:"clients"`
	// Programs are those that ran besides the command, those that took most first.
	Programs []Program `json:"programs"`

	SkippedLines int64 `json:"skipped_lines"`
	// Lost is how many records the runs lost: what is reported may be too little.
	Lost int64 `json:"lost_records"`
	// LeftOut is how many requests were to more proxies or modules than are
	// told apart.
	LeftOut int `json:"left_out"`
}

// Millis is a time in milliseconds, printed with three decimals.
type Millis float64

// MarshalJSON implements json.Marshaler.
func (m Millis) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(m), 'f', 3, 64), nil
}

func ms(d time.Duration) Millis { return Millis(float64(d) / 1e6) }

func (m Millis) duration() time.Duration { return time.Duration(m * 1e6) }

// Time is where the wall time went: the critical path. It sums to the wall
// time. VCS is what git and the like took, Other the processes themselves, and what
// was not seen, Idle the time in which servers, and processes that had been running
// before, had no request under way.
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

// Quantiles are of a sketch: within 1 % of the true ones. They are nil when
// there was nothing to measure.
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

// Tally is what is counted of some requests. Rate is of large responses, in
// the time in which they came; nil when there was none.
type Tally struct {
	Requests    int64            `json:"requests"`
	Failures    map[string]int64 `json:"failures"`
	Wait        *Quantiles       `json:"wait_ms"`
	Total       *Quantiles       `json:"total_ms"`
	Bytes       int64            `json:"bytes"`
	Rate        *Millis          `json:"mb_per_s"`
	Redirects   int64            `json:"redirects"`
	NotModified int64            `json:"not_modified"`
}

func (t *tally) report() Tally {
	out := Tally{
		Requests: t.requests, Failures: map[string]int64{}, Wait: quantiles(&t.wait), Total: quantiles(&t.total),
		Bytes: t.bytes, Redirects: t.redirects, NotModified: t.notModified,
	}
	maps.Copy(out.Failures, t.failures)
	if rate, ok := t.rate(); ok {
		out.Rate = new(Millis(rate))
	}
	return out
}

// Proxy is what one proxy did, or one origin of other requests.
type Proxy struct {
	Proxy   string `json:"proxy"`
	modules int64  // requests for modules
	Tally
	Conns       int64      `json:"conns"`
	Reused      int64      `json:"reused"` // requests
	TLS         *Quantiles `json:"tls_ms"`
	RTT         *Quantiles `json:"rtt_ms"`
	Retransmits int64      `json:"retransmits"`
	OutOfOrder  int64      `json:"out_of_order"` // segments that came after a missing one
	// Via are the HTTP proxies through which it was asked. TCP tells of the way
	// to these.
	Via []string `json:"via"`
}

// Kind is what the requests of one kind came to.
type Kind struct {
	Kind string `json:"kind"`
	Tally
}

// Fallback is how often the go command asked one proxy for what another did not
// give it. Why is that one's status, or the class of the failure. To is "direct"
// where it asked the version control system instead, "off" or "none" where
// GOPROXY has nobody else after such a failure. Barred, where To is "none", is the
// entry that a "," kept from being asked.
type Fallback struct {
	From   string `json:"from"`
	Why    string `json:"why"`
	To     string `json:"to"`
	Count  int64  `json:"count"`
	Barred string `json:"barred,omitempty"`
}

// Module is what one version of a module took. Total is the sum of all its
// requests, some of which may have been under way at once.
type Module struct {
	Path     string `json:"path"`
	Version  string `json:"version"`
	Requests int64  `json:"requests"`
	Failures int64  `json:"failures"`
	Bytes    int64  `json:"bytes"`
	Total    Millis `json:"total_ms"`
	Longest  Millis `json:"longest_ms"`
}

// Windows is what flow control did.
type Windows struct {
	Least  map[string]*int64 `json:"least_credit"` // bytes, by the keys of a frame's window
	Stalls []Stalls          `json:"stalls"`
}

// Stalls are those of one side. By says who granted too little.
type Stalls struct {
	Side   string `json:"side"`
	By     string `json:"by"`
	Count  int64  `json:"count"`
	Total  Millis `json:"stall_ms"`
	Window int64  `json:"window"` // the largest, in bytes
}

// slowest is how many modules a report names.
const slowest = 20

// Report sums up what was read so far.
func (b *Builder) Report() *Report {
	p := &b.sums.parts
	r := &Report{
		Runs: b.sums.ends.runs,
		Time: Time{
			VCS: ms(p[partVCS]), DNS: ms(p[partDNS]), Connect: ms(p[partConnect]), TLS: ms(p[partTLS]), Send: ms(p[partSend]),
			Wait: ms(p[partWait]), Receive: ms(p[partReceive]), Stall: ms(p[partRecvStall] + p[partSendStall]), Other: ms(p[partOther]),
			Idle: ms(p[partIdle]),
		},
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
			continue // requests that began before they were observed
		}
		r.Proxies = append(r.Proxies, Proxy{
			Proxy: name, modules: v.modules.requests, Tally: v.report(), Conns: v.conns, Reused: v.reused,
			TLS: quantiles(&v.handshake), RTT: quantiles(&v.rtt), Retransmits: v.retransmits,
			OutOfOrder: v.outOfOrder, Via: append([]string{}, v.via...),
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
	r.Programs = b.sums.tools.report()
	r.Fallbacks = []Fallback{}
	for f, n := range b.sums.chain.count {
		r.Fallbacks = append(r.Fallbacks, Fallback{f.from, f.why, f.to, n, f.barred})
	}
	slices.SortFunc(r.Fallbacks, func(a, b Fallback) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Why, b.Why),
			cmp.Compare(a.Barred, b.Barred))
	})
	r.Windows = b.sums.windows.report()
	return r
}

// slowestOf returns the modules that took most.
func slowestOf(modules *byName[module]) []Module {
	list := []Module{}
	for name, m := range modules.values {
		path, version, _ := cutLast(name, "@")
		list = append(list, Module{path, version, m.requests, m.failures, m.bytes, ms(m.total), ms(m.longest)})
	}
	slices.SortFunc(list, func(a, b Module) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Version, b.Version))
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
