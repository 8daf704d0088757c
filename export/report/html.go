package report

import (
	"cmp"
	"io"
	"slices"

	"h2trace/export/report/page"
)

// HTML has the Builder keep what WriteHTML draws. It is called before Read.
func (b *Builder) HTML() {
	b.timeline = newTimeline()
	b.watchers = append(b.watchers, b.timeline)
}

// WriteHTML writes a page of what was read: the report r, and each run over time. It returns
// the errors of w.
func (b *Builder) WriteHTML(w io.Writer, r *Report) error { return page.Write(w, b.page(r)) }

// page returns what a page shows.
func (b *Builder) page(r *Report) *page.Data {
	t := b.timeline
	t.dropExchanges()
	t.dropStalls()
	t.dropCurves()
	d := &page.Data{
		Headline: r.headline(), Evidence: []string{}, More: r.Verdict.Cause.more(), Clocked: r.clocked(), Parts: drawnParts[:],
		Peers: b.sums.tables.proxies.latencies(), Tables: []page.Table{}, Runs: []*page.Run{}, Bounds: latencyBounds(),
	}
	for _, n := range b.sums.parts {
		d.Spent = append(d.Spent, micros(n))
	}
	for _, e := range r.Verdict.Evidence {
		d.Evidence = append(d.Evidence, clean(e))
	}
	d.Unseen = r.Opaque.sentence()
	for _, one := range r.tables() {
		d.Tables = append(d.Tables, page.Table{Title: one.title, Rows: one.rows})
	}
	for i, one := range t.runs {
		d.Runs = append(d.Runs, one.page(i+1))
	}
	d.Names = t.names.list
	d.LeftOut = t.sentences()
	return d
}

// drawnParts are the names of the parts of a path.
var drawnParts = [partCount]string{
	partVCS: "git and alike", partDNS: "dns", partConnect: "connect", partTLS: "tls", partSend: "send", partSendStall: "send stall",
	partWait: "wait", partReceive: "receive", partRecvStall: "receive stall", partOther: "process itself", partIdle: "idle",
}

// latencyBounds are the bounds of the counts of a page, in milliseconds: eight for each power
// of ten.
func latencyBounds() []float64 {
	list := []float64{0}
	for ns := 1e5; ns < 1e12; ns *= latencyGrowth {
		list = append(list, ns/1e6)
	}
	return list
}

const latencyGrowth = 1.333521432163324 // 10^(1/8)

// latencies returns how long each proxy took, those with most requests first.
func (l *proxyTable) latencies() []page.Peer {
	list := []page.Peer{}
	for name, p := range l.values {
		if name != "" && p.requests > 0 {
			list = append(list, page.Peer{
				Name: clean(name), Requests: p.requests, Failures: p.failed(), Wait: p.wait.latency(), Total: p.total.latency(),
			})
		}
	}
	slices.SortFunc(list, func(a, b page.Peer) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
	return list[:min(len(list), maxLatencies)]
}

// maxLatencies bounds the proxies whose latency is drawn.
const maxLatencies = 64

// latency returns the times of a sketch, nil without one.
func (s *sketch) latency() *page.Quantile {
	q := quantiles(s)
	if q == nil {
		return nil
	}
	bounds := latencyBounds()
	out := &page.Quantile{P50: float64(q.P50), P95: float64(q.P95), P99: float64(q.P99), Counts: make([]uint64, len(bounds))}
	for i, n := range s.buckets {
		at, found := slices.BinarySearch(bounds, middle(i)/1e6)
		if !found {
			at--
		}
		out.Counts[at] += uint64(n)
	}
	return out
}
