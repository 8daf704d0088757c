package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"h2trace/export/scan"
)

// exposition collects the durations of requests for Prometheus, by the attributes of the
// HTTP semantic conventions of OpenTelemetry.
type exposition struct {
	durations map[attributes]*histogram
	servers   map[server]bool
}

// The bounds on label values. Further servers are "_other", as are all if there are too many
// combinations.
const (
	maxServers = 64
	maxSeries  = 1024
	otherName  = "_other"
)

// server is the address of a server.
type server struct{ address, port string }

// attributes are those of http.client.request.duration. Status is 0 without a response.
type attributes struct {
	server
	method    string
	status    int64
	errorType string
}

// histogramBounds are the buckets that the semantic conventions advise, and two for requests
// that end by a timeout, in seconds.
var histogramBounds = [...]float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60}

// histogram counts times by bucket. The last has those beyond all bounds.
type histogram struct {
	buckets [len(histogramBounds) + 1]uint64
	sum     time.Duration
}

func (h *histogram) add(d time.Duration) {
	i, _ := slices.BinarySearch(histogramBounds[:], d.Seconds())
	h.buckets[i]++
	h.sum += d
}

// Prometheus has the Builder collect what WritePrometheus writes. It is called before Read.
func (b *Builder) Prometheus() {
	b.exposition = &exposition{durations: make(map[attributes]*histogram), servers: make(map[server]bool)}
	b.watchers = append(b.watchers, b.exposition)
}

// watch takes a request of a client.
func (p *exposition) watch(e event, of *run) {
	x, ok := e.(*exchangeEvent)
	if !ok || !x.known[phaseTotal] || scan.Is(x.method, "CONNECT") && x.via != nil {
		return
	}
	if c := of.conns.open[string(x.conn)]; c != nil && c.server {
		return
	}
	key := attributes{p.server(proxyName(x)), methodOf(x.method), x.status, ""}
	switch {
	case x.status >= 400:
		key.errorType = strconv.FormatInt(x.status, 10)
	case x.class != nil:
		key.errorType = x.className()
	}
	h := p.durations[key]
	if h == nil && len(p.durations) >= maxSeries {
		key = attributes{server: server{otherName, ""}, method: "_OTHER"}
		if x.class != nil {
			key.errorType = x.className()
		}
		h = p.durations[key]
	}
	if h == nil {
		h = new(histogram)
		p.durations[key] = h
	}
	h.add(x.phases[phaseTotal])
}

// server returns the address of a proxy. It is one of a bounded number.
func (p *exposition) server(proxy string) server {
	s := serverOf(proxy)
	if !p.servers[s] {
		if len(p.servers) == maxServers {
			return server{otherName, ""}
		}
		p.servers[s] = true
	}
	return s
}

// defaultPorts are those of URLs without one.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

func serverOf(proxy string) server {
	u, ok := parseURL(proxy)
	if !ok {
		return server{"", ""}
	}
	return server{strings.ToLower(u.Hostname()), cmp.Or(u.Port(), defaultPorts[u.Scheme])}
}

// methods are those of RFC 9110 and RFC 5789. The conventions have _OTHER for all others.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

func methodOf(v []byte) string {
	if m := scan.Text(v); slices.Contains(methods, m) {
		return m
	}
	return "_OTHER"
}

// WritePrometheus writes all lines read so far in the text exposition format, for the
// textfile collector.
func (b *Builder) WritePrometheus(w io.Writer) error {
	out := &metricsText{}
	out.family("http_client_request_duration_seconds", "histogram", "Duration of HTTP requests, with the connection if they opened one.")
	for _, key := range slices.SortedFunc(maps.Keys(b.exposition.durations), attributes.compare) {
		out.histogram(key.labels(), b.exposition.durations[key])
	}
	b.writeServers(out)
	b.writeRuns(out)
	_, err := io.WriteString(w, out.String())
	return err
}

// writeServers writes the counters that have a server.
func (b *Builder) writeServers(out *metricsText) {
	type counts struct{ bytes, conns, retransmits, outOfOrder int64 }
	all := make(map[server]*counts)
	for name, p := range b.sums.tables.proxies.values {
		if name == "" {
			continue
		}
		to := b.exposition.server(name)
		if all[to] == nil {
			all[to] = &counts{}
		}
		all[to].bytes += p.bytes
		all[to].conns += p.conns
		all[to].retransmits += p.retransmits
		all[to].outOfOrder += p.outOfOrder
	}
	servers := slices.SortedFunc(maps.Keys(all), server.compare)
	for _, f := range []struct {
		name, help string
		of         func(*counts) int64
	}{
		{"h2trace_response_body_bytes_total", "Bytes of response bodies.", func(c *counts) int64 { return c.bytes }},
		{"h2trace_connections_total", "Connections that carried requests.", func(c *counts) int64 { return c.conns }},
		{"h2trace_tcp_retransmits_total", "TCP segments that were sent again.", func(c *counts) int64 { return c.retransmits }},
		{"h2trace_tcp_out_of_order_total", "TCP segments that came after a missing one.", func(c *counts) int64 { return c.outOfOrder }},
	} {
		out.family(f.name, "counter", f.help)
		for _, s := range servers {
			out.sample("", s.labels(), float64(f.of(all[s])))
		}
	}
	out.family("h2trace_connection_failures_total", "counter", "Connections that were not made.")
	dials := make(map[unmade]int64)
	for u, n := range b.sums.measures.unmade {
		if u.name != "" {
			u.name = b.exposition.server("https://" + u.name).address
		}
		dials[u] += n
	}
	for _, u := range slices.SortedFunc(maps.Keys(dials), func(a, b unmade) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.class, b.class))
	}) {
		out.sample("", []string{"server_address", u.name, "error_type", u.class}, float64(dials[u]))
	}
}

// writeRuns writes the counters without a server.
func (b *Builder) writeRuns(out *metricsText) {
	s := b.sums
	out.family("h2trace_stalls_total", "counter", "Times in which flow control stalled a stream or a connection.")
	sides := [...]string{"send_window", "recv_window"}
	for i, side := range sides {
		out.sample("", []string{"side", side}, float64(s.windows.stalls[i].count))
	}
	out.family("h2trace_stall_seconds_total", "counter", "Sum of these times.")
	for i, side := range sides {
		out.sample("", []string{"side", side}, s.windows.stalls[i].total.Seconds())
	}
	out.family("h2trace_records_lost_total", "counter", "Records that were lost in the recordings.")
	out.sample("", nil, float64(s.lost))
	out.family("h2trace_runs_total", "counter", "Runs in the recordings.")
	out.sample("", nil, float64(s.ends.runs))
	out.family("h2trace_wall_seconds_total", "counter", "Wall time by phase of the critical path.")
	for i, d := range s.parts {
		out.sample("", []string{"phase", strings.ReplaceAll(cmp.Or(partUnits[i], "idle"), "-", "_")}, d.Seconds())
	}
	out.family("h2trace_verdict", "gauge", "1 for the cause that the report names.")
	out.sample("", []string{"cause", string(newJudge(s).verdict().Cause)}, 1)
}

func (s server) compare(o server) int {
	return cmp.Or(cmp.Compare(s.address, o.address), cmp.Compare(s.port, o.port))
}

func (s server) labels() []string {
	return []string{"server_address", s.address, "server_port", s.port}
}

func (a attributes) compare(o attributes) int {
	return cmp.Or(a.server.compare(o.server), cmp.Compare(a.method, o.method), cmp.Compare(a.status, o.status), cmp.Compare(a.errorType, o.errorType))
}

func (a attributes) labels() []string {
	status := ""
	if a.status > 0 {
		status = strconv.FormatInt(a.status, 10)
	}
	return append(a.server.labels(), "http_request_method", a.method, "http_response_status_code", status, "error_type", a.errorType)
}

// metricsText is text exposition.
type metricsText struct {
	strings.Builder
	name string // of the family
}

// family begins a family of metrics.
func (t *metricsText) family(name, kind, help string) {
	t.name = name
	fmt.Fprintf(&t.Builder, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

var labelEscaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// sample writes a value with its labels, of which an empty one means that it is absent.
func (t *metricsText) sample(suffix string, labels []string, v float64) {
	t.WriteString(t.name + suffix)
	separator := "{"
	for i := 0; i < len(labels); i += 2 {
		if labels[i+1] != "" {
			fmt.Fprintf(&t.Builder, `%s%s="%s"`, separator, labels[i], labelEscaper.Replace(strings.ToValidUTF8(labels[i+1], "\ufffd")))
			separator = ","
		}
	}
	if separator == "," {
		t.WriteByte('}')
	}
	t.WriteString(" " + strconv.FormatFloat(v, 'g', -1, 64) + "\n")
}

// histogram writes a histogram. Buckets are cumulative.
func (t *metricsText) histogram(labels []string, h *histogram) {
	var sum uint64
	for i, n := range h.buckets {
		bound := "+Inf"
		if i < len(histogramBounds) {
			bound = strconv.FormatFloat(histogramBounds[i], 'g', -1, 64)
		}
		sum += n
		t.sample("_bucket", append(slices.Clip(labels), "le", bound), float64(sum))
	}
	t.sample("_sum", labels, h.sum.Seconds())
	t.sample("_count", labels, float64(sum))
}
