package proxies

import (
	"fmt"
	"os"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder/goproxy"
	"h2trace/export/report"
)

// Row is what was measured of one proxy. Without a measurement a value is nil.
type Row struct {
	Proxy     string  `json:"proxy"`
	Downloads int     `json:"downloads"`
	Failed    int     `json:"failed"`
	Wall      *spread `json:"wall_ms"` // of those that did not fail

	DNS     *quantiles `json:"dns_ms"`
	Connect *quantiles `json:"connect_ms"`
	TLS     *quantiles `json:"tls_ms"`
	Wait    *quantiles `json:"wait_ms"`
	Total   *quantiles `json:"total_ms"`

	Requests int64            `json:"requests"`
	Failures map[string]int64 `json:"failures"`
	Bytes    int64            `json:"bytes"`
	Rate     *float64         `json:"mb_per_s"`
	Conns    int64            `json:"conns"`
	// These are shares: of requests, of TLS handshakes, of TCP segments, and of the
	// responses that name a cache.
	Reused        *float64 `json:"reused"`
	Resumed       *float64 `json:"resumed"`
	Retransmitted *float64 `json:"retransmitted"`
	CacheHits     *float64 `json:"cache_hits"`
	HTTP          string   `json:"http"`

	Verdict report.Verdict `json:"verdict"`
}

// Result is a comparison of proxies.
type Result struct {
	Work    string   `json:"work"`
	Labels  []string `json:"labels"`
	Proxies []Row    `json:"proxies"`
	Order   []place  `json:"order"`
	// GOPROXY is a command that sets it, "" if none can be given.
	GOPROXY string `json:"goproxy"`
	// CPU is what h2trace took to record the downloads, in ms. None of it was between
	// the first and the last packet of another download.
	CPU float64 `json:"agent_cpu_ms"`

	sentences []string // about the order
	reasons   []string // for GOPROXY
}

// sumUp reads the recordings.
func sumUp(entries []entry, list []download, end string) (*Result, error) {
	r := &Result{}
	all := report.NewBuilder()
	var times []timed
	least := len(list)
	for i, e := range entries {
		m, own := newMeasures(), report.NewBuilder()
		for _, d := range list {
			if d.proxy != i {
				continue
			}
			if err := m.read(d); err != nil {
				return nil, err
			}
			if err := readInto(d.events, own, all); err != nil {
				return nil, err
			}
		}
		if m.downloads == 0 {
			continue // it was interrupted before
		}
		r.CPU += m.cpu
		r.Proxies = append(r.Proxies, rowOf(e, m, own.Report()))
		times = append(times, timed{name: e.name, ms: m.wall})
		if len(m.wall) > 0 {
			least = min(least, len(m.wall))
		}
	}
	r.Order = orderOf(times)
	r.sentences = sentences(r.Order, least)
	r.suggest(all, end)
	return r, nil
}

// readInto has the same recording read by each builder.
func readInto(events string, builders ...*report.Builder) error {
	for _, b := range builders {
		f, err := os.Open(events)
		if err != nil {
			return err
		}
		err = b.Read(f)
		_ = f.Close() // it was only read
		if err != nil {
			return err
		}
	}
	return nil
}

func rowOf(e entry, m *measures, r *report.Report) Row {
	row := Row{
		Proxy: e.name, Downloads: m.downloads, Failed: m.failed, Wall: spreadOf(m.wall),
		DNS: quantilesOf(m.times[timeDNS]), Connect: quantilesOf(m.times[timeConnect]), TLS: quantilesOf(m.times[timeTLS]),
		Wait: quantilesOf(m.times[timeWait]), Total: quantilesOf(m.times[timeTotal]),
		Bytes: m.bytes, Rate: m.rate(), Conns: m.opens,
		Reused: share(m.reused, m.requests), Resumed: share(m.resumed, m.handshakes),
		Retransmitted: share(m.resent, m.segments), CacheHits: share(m.hits, m.hits+m.misses),
		HTTP: m.protocol(), Verdict: r.Verdict,
	}
	row.Failures, row.Requests = m.failures(r)
	if m.ended > 0 {
		row.Verdict.Evidence = append(row.Verdict.Evidence,
			fmt.Sprintf("h2trace ended %d of %d downloads, which took longer than --timeout", m.ended, m.downloads))
	}
	if m.pages > 0 {
		row.Verdict.Evidence = append(row.Verdict.Evidence,
			message.Count(uint64(m.pages), "response is HTML", "responses are HTML")+", as those of a page to sign in, or of no proxy")
	}
	return row
}

// suggest takes the command that sets GOPROXY from all recordings. As each download had one
// proxy only, the end of the user's own GOPROXY is not in them.
func (r *Result) suggest(all *report.Builder, end string) {
	all.SetEnd(end)
	s, err := all.Suggest()
	r.GOPROXY, r.reasons = s.Command, s.Reasons
	if err != nil {
		r.reasons = append(r.reasons, "no GOPROXY is suggested: "+err.Error())
		return
	}
	for _, row := range r.Proxies {
		if row.Proxy == goproxy.Direct && row.Failed == row.Downloads && end == goproxy.Direct {
			r.reasons = append(r.reasons, "all downloads of direct failed here")
		}
	}
}
