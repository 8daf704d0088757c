package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// metricsDir has the rules and the dashboard.
const metricsDir = "../../../../../export/metrics"

// work is what the command of TestMetrics does for each line of its stdin: it downloads modules, or
// moves bytes both ways between a client and a server that are observed both.
const work = `
mkfifo stop addr && { "$@" <stop >addr & } && exec 9>stop && read -r addr <addr
while read -r what; do
	case $what in
	fetch) GOMODCACHE=$(mktemp -d "$CACHES/XXXXXX") go mod download ;;
	move) "$CLIENT" -url "https://localhost:${addr##*:}" -scenario upload,bulk -window 65536 ;;
	stop) exec 9>&- && wait ;;
	esac
	echo "$what $?"
done`

// measured is a run whose metrics are scraped.
type measured struct {
	*tracing
	url          string // of the metrics
	full, broken *modproxy.Server
}

// startMeasured starts h2trace with some flags, and with a command that waits.
func startMeasured(t *testing.T, flags ...string) *measured {
	t.Helper()
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/measured", 4, 100_000)
	m := &measured{full: modproxy.Start(t, a, mods, modproxy.Options{}), broken: modproxy.Start(t, a, nil, modproxy.Options{Status: 503})}
	w := modproxy.NewWorkspace(t, a, mods)
	env := append(w.Env, "GOPROXY=https://"+closedAddr(t)+"|"+m.broken.URL+"|"+m.full.URL, "CACHES="+t.TempDir(), "CLIENT="+bin(t, "h2client"))
	args := append([]string{"sh", "-c", work, "sh"}, serverArgs(t, a, "-window", "65536")...)
	m.tracing = startTracing(t, command{flags: append(flags, "--metrics", "127.0.0.1:0"), args: args, dir: w.Dir, env: env})
	m.url = awaitMetrics(t, m.stderr)
	return m
}

// awaitMetrics returns the URL of metrics on loopback, which a message has.
func awaitMetrics(t testing.TB, messages func() string) (url string) {
	t.Helper()
	said := regexp.MustCompile(`h2trace: metrics are at (http://127\.0\.0\.1:\d+/metrics)\n`)
	await(t, "the address of the metrics", func() bool {
		if found := said.FindStringSubmatch(messages()); found != nil {
			url = found[1]
		}
		return url != ""
	})
	return url
}

// do has the command do something, and returns when it is done.
func (m *measured) do(what string) {
	m.t.Helper()
	if _, err := io.WriteString(m.stdin, what+"\n"); err != nil {
		m.t.Fatal(err)
	}
	if got := m.line(); got != what+" 0" {
		m.t.Fatalf("got %q of %s\n%s", got, what, indent(m.stderr()))
	}
}

// scrape returns the metrics by name and labels.
func (m *measured) scrape() map[string]float64 {
	m.t.Helper()
	return scrapeOf(m.t, m.url)
}

func scrapeOf(t testing.TB, url string) map[string]float64 {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, resp.Status)
	}
	return samples(t, resp.Body)
}

// samples reads text exposition. Of histograms it has each bucket.
func samples(t testing.TB, r io.Reader) map[string]float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for name, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			slices.Sort(labels)
			add(all, name+"{"+strings.Join(labels, ",")+"}", m)
		}
	}
	return all
}

func add(all map[string]float64, name string, m *dto.Metric) {
	switch {
	case m.Counter != nil:
		all[name] = m.Counter.GetValue()
	case m.Gauge != nil:
		all[name] = m.Gauge.GetValue()
	case m.Histogram != nil:
		all[name+" sum"], all[name+" count"] = m.Histogram.GetSampleSum(), float64(m.Histogram.GetSampleCount())
		for _, b := range m.Histogram.GetBucket() {
			all[fmt.Sprint(name, " ", b.GetUpperBound())] = float64(b.GetCumulativeCount())
		}
	}
}

// segmentsOfClosed are the segments of connections that are closed.
const segmentsOfClosed = `sum(h2trace_tcp_segments_total)`

// settled reports whether all connections are closed whose processes have ended: the server has
// none that is open.
func (m *measured) settled() bool {
	now := m.scrape()
	return now["h2trace_connections_open{role=client}"] == 0 && now["h2trace_connections_open{role=server}"] == 0
}

// sum returns the sum over the series of a metric.
func (m *measured) sum(metric string) float64 {
	return sumOf(m.scrape(), metric)
}

func sumOf(scrape map[string]float64, metric string) (sum float64) {
	for name, v := range scrape {
		if strings.HasPrefix(name, metric+"{") {
			sum += v
		}
	}
	return sum
}

// TestMetrics has a real Prometheus scrape a real run. What it has is what the servers have
// counted; each panel of the dashboard has data, and each rule is evaluated; and the last scrape is
// what a report makes of the events.
func TestMetrics(t *testing.T) {
	t.Parallel()
	needProbes(t)
	m := startMeasured(t)
	target := strings.TrimSuffix(strings.TrimPrefix(m.url, "http://"), "/metrics")
	rules, err := filepath.Abs(metricsDir + "/rules/h2trace.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	p := startPrometheus(t, target, rules)
	native := startPrometheus(t, target, rules, "--enable-feature=native-histograms")
	of := func(s *modproxy.Server) string {
		return `server_port="` + s.URL[strings.LastIndex(s.URL, ":")+1:] + `"`
	}
	for range 2 { // a rate has two values
		m.do("fetch")
		m.do("move")
		before := p.number(segmentsOfClosed)
		await(t, "what happened in Prometheus", func() bool {
			return p.number(`sum(http_client_request_duration_seconds_count{`+of(m.full)+`})`) == float64(len(m.full.Requests())) &&
				m.settled() && p.number(segmentsOfClosed) == m.sum("h2trace_tcp_segments_total") && p.number(segmentsOfClosed) > before &&
				p.number(`sum(h2trace_requests_total)`) == m.sum("h2trace_requests_total")
		})
	}
	for _, s := range []*modproxy.Server{m.full, m.broken} {
		checkServer(t, p, s, of(s))
	}
	await(t, "native histograms", func() bool {
		return native.number(`histogram_count(sum(http_client_request_duration_seconds{`+of(m.full)+`}))`) == float64(len(m.full.Requests()))
	})
	if q := native.number(`histogram_quantile(0.5, sum(http_client_request_duration_seconds{` + of(m.full) + `}))`); q <= 0 || q > 60 {
		t.Errorf("a median of %v s by native histograms", q)
	}
	checkPanels(t, p)
	checkRules(t, p)

	m.do("stop")
	var last map[string]float64
	await(t, "all events to be counted", func() bool {
		before := last
		last = m.scrape()
		return m.settled() && sameButAgent(before, last)
	})
	r := m.wait()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
	}
	if resp, err := http.Get(m.url); err == nil {
		_ = resp.Body.Close()
		t.Error("metrics are served after the run")
	}
	var sum struct {
		Exchanges float64
		Records   struct{ Lost float64 }
	}
	if err := json.Unmarshal([]byte(r.stream.Of("summary")[0].Raw), &sum); err != nil {
		t.Fatal(err)
	}
	if got := last["h2trace_requests_total{role=client}"] + last["h2trace_requests_total{role=server}"]; got != sum.Exchanges {
		t.Errorf("%v requests, and the summary has %v", got, sum.Exchanges)
	}
	if got := last["h2trace_records_lost_total{}"]; got != sum.Records.Lost {
		t.Errorf("%v records lost, and the summary has %v", got, sum.Records.Lost)
	}
	checkReport(t, m.events, last)
}

// checkServer compares what Prometheus has of a server with what that has counted itself.
func checkServer(t *testing.T, p *prometheus, s *modproxy.Server, of string) {
	t.Helper()
	status := make(map[string]float64)
	var bytes float64
	for _, r := range s.Requests() {
		status[fmt.Sprint(r.Status)]++
		bytes += float64(r.Bytes)
	}
	got := make(map[string]float64)
	for _, s := range p.query(`sum by (http_response_status_code) (http_client_request_duration_seconds_count{` + of + `})`) {
		got[s.Metric["http_response_status_code"]] = s.value()
	}
	if !maps.Equal(got, status) {
		t.Errorf("%s: Prometheus has %v, the server %v", of, got, status)
	}
	if n := p.number(`h2trace_response_body_bytes_total{` + of + `}`); n != bytes {
		t.Errorf("%s: Prometheus has %v bytes, the server %v", of, n, bytes)
	}
	if n := p.number(`h2trace_connections_total{` + of + `}`); n < 2 { // one a download at least
		t.Errorf("%s: %v connections", of, n)
	}
}

// dashboardPanel is one as Grafana has it.
type dashboardPanel struct {
	Type, Title string
	Panels      []dashboardPanel
	Targets     []struct{ Expr string }
}

// still are the panels of what does not happen in this run: their values may all be 0.
var still = []string{"Lost records", "TCP segments sent again", "Complaints of go commands", "Waiting for locks", "Not told apart", "Open connections"}

// checkPanels evaluates each expression of the dashboard.
func checkPanels(t *testing.T, p *prometheus) {
	t.Helper()
	b, err := os.ReadFile(metricsDir + "/dashboard/h2trace.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct{ Panels []dashboardPanel }
	if err := json.Unmarshal(b, &dashboard); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$job", "h2trace", "$server", ".*", "$__rate_interval", "5m")
	seen := 0
	for _, panel := range dashboard.Panels {
		for _, one := range append(panel.Panels, panel) {
			for _, target := range one.Targets {
				seen++
				expr := fill.Replace(target.Expr)
				list := p.query(expr)
				moving := slices.ContainsFunc(list, func(s series) bool { return s.value() > 0 })
				if len(list) == 0 || !moving && !slices.Contains(still, one.Title) {
					t.Errorf("%s: got %v of %s", one.Title, list, expr)
				}
			}
		}
	}
	if seen < 25 {
		t.Errorf("%d expressions in the dashboard", seen)
	}
}

// checkRules demands that each rule is evaluated without an error, and that no agent is in trouble.
func checkRules(t *testing.T, p *prometheus) {
	t.Helper()
	var got struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	await(t, "all rules to be evaluated", func() bool {
		p.get("/api/v1/rules", &got)
		for _, g := range got.Groups {
			for _, r := range g.Rules {
				if r.Health == "unknown" {
					return false
				}
			}
		}
		return len(got.Groups) > 0
	})
	for _, g := range got.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" || r.State == "firing" {
				t.Errorf("%s is %s, %s: %s", r.Name, r.Health, r.State, r.LastError)
			}
		}
	}
	await(t, "recorded rates of both proxies", func() bool { return p.number(`count(job_server:http_client_requests:rate5m)`) >= 2 })
}

// changing are what differs from scrape to scrape, or is of the end of the run.
var changing = regexp.MustCompile(`^h2trace_(agent_|info|process_events|runs|wall|verdict)`)

func sameButAgent(a, b map[string]float64) bool {
	for name, v := range b {
		if !changing.MatchString(name) && a[name] != v {
			return false
		}
	}
	return true
}

// checkReport compares the last scrape with report --prometheus of the events.
func checkReport(t *testing.T, events string, last map[string]float64) {
	t.Helper()
	cmd := exec.Command(bin(t, "h2trace"), "report", "--prometheus", events)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	report := samples(t, strings.NewReader(string(out)))
	for name, v := range report {
		if got, ok := last[name]; !changing.MatchString(name) && (!ok || math.Abs(got-v) > 1e-6) {
			t.Errorf("%s: the last scrape has %v, the report %v", name, got, v)
		}
	}
	for name := range last {
		if _, ok := report[name]; !ok && !strings.HasPrefix(name, "h2trace_info") {
			t.Errorf("%s is not in the report", name)
		}
	}
	for _, name := range []string{"h2trace_runs_total{}", "h2trace_agent_cpu_seconds_total{}"} {
		if report[name] <= 0 {
			t.Errorf("%s is %v in the report", name, report[name])
		}
	}
}
