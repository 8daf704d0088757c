package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"h2trace/export/metrics"
)

// expose returns the families that Prometheus reads, and their text.
func expose(t *testing.T, events string) (map[string]*dto.MetricFamily, string) {
	t.Helper()
	b := NewBuilder()
	b.Prometheus()
	if err := b.Read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.WritePrometheus(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(&out)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return families, text
}

// value returns the value of the sample with these labels.
func value(t *testing.T, f *dto.MetricFamily, labels ...string) float64 {
	t.Helper()
	var want []string
	for pair := range slices.Chunk(labels, 2) {
		want = append(want, strings.Join(pair, " "))
	}
	slices.Sort(want)
	for _, m := range f.GetMetric() {
		var got []string
		for _, l := range m.GetLabel() {
			got = append(got, l.GetName()+" "+l.GetValue())
		}
		slices.Sort(got)
		if slices.Equal(got, want) {
			switch {
			case m.Counter != nil:
				return m.Counter.GetValue()
			case m.Gauge != nil:
				return m.Gauge.GetValue()
			}
			return float64(m.Histogram.GetSampleCount())
		}
	}
	t.Errorf("%s has no sample %v", f.GetName(), labels)
	return -1
}

func TestPrometheus(t *testing.T) {
	var w writer
	w.command(0)
	ask := func(x exchange) {
		x.begin += 100
		w.exchange(x)
	}
	const proxy = "https://a.example/go"
	ask(exchange{url: proxy + "/secret.example/m/@v/v1.0.0.zip", kind: "zip", module: "secret.example/m", proxy: proxy, wait: 40, bytes: 5000})
	ask(exchange{url: proxy + "/secret.example/m/@v/v1.0.0.mod", kind: "mod", module: "secret.example/m", proxy: proxy, wait: 31_000})
	ask(exchange{url: proxy + "/secret.example/m/@v/list", kind: "list", module: "secret.example/m", proxy: proxy, wait: 5, status: 404, class: "http_4xx"})
	ask(exchange{url: "http://b.example:8080/x", method: "BREW", wait: 5, status: noStatus, class: "reset", conn: "c2"})
	w.failed(200, "c.example", "192.0.2.9:443", "connect", "ECONNREFUSED")
	w.line(300, "stall", `"pid":7,"comm":"go","conn":"c1","stream":1,"side":"recv_window","window":65535,"start":%q,"stall_ms":250.000`, at(100))
	w.closePath(400, "c1", 30, 30, 3, 4)
	w.line(500, "loss", `"reason":"ring_full","records":7,"bytes":null`)
	w.exit(32_000, 0)
	families, text := expose(t, w.String())
	if strings.Contains(text, "secret") || strings.Contains(text, "/m") {
		t.Errorf("a module in\n%s", text)
	}
	durations := families["http_client_request_duration_seconds"]
	if durations.GetType() != dto.MetricType_HISTOGRAM {
		t.Fatalf("got %v", durations)
	}
	for labels, want := range map[string]float64{
		"server_address a.example server_port 443 http_request_method GET http_response_status_code 200":                2,
		"server_address a.example server_port 443 http_request_method GET http_response_status_code 404 error_type 404": 1,
		"server_address b.example server_port 8080 http_request_method _OTHER error_type reset":                         1,
	} {
		if got := value(t, durations, strings.Fields(labels)...); got != want {
			t.Errorf("%s: got %v, want %v", labels, got, want)
		}
	}
	for _, m := range durations.GetMetric() {
		var before uint64
		for _, bucket := range m.Histogram.GetBucket() {
			if bucket.GetCumulativeCount() < before {
				t.Errorf("buckets are not cumulative: %v", m)
			}
			before = bucket.GetCumulativeCount()
		}
		if before != m.Histogram.GetSampleCount() || len(m.Histogram.GetBucket()) != 17 {
			t.Errorf("got %d buckets, %d of %d requests", len(m.Histogram.GetBucket()), before, m.Histogram.GetSampleCount())
		}
	}
	ok := durations.GetMetric()[0].Histogram
	if ok.GetBucket()[3].GetCumulativeCount() != 1 || ok.GetBucket()[14].GetCumulativeCount() != 1 || ok.GetBucket()[15].GetCumulativeCount() != 2 || ok.GetSampleSum() != 31.04 {
		t.Errorf("got %v", ok)
	}
	for _, tt := range []struct {
		name, labels string
		want         float64
	}{
		{"h2trace_response_body_bytes_total", "server_address a.example server_port 443", 5000},
		{"h2trace_connections_total", "server_address b.example server_port 8080", 1},
		{"h2trace_tcp_retransmits_total", "server_address a.example server_port 443", 3},
		{"h2trace_tcp_out_of_order_total", "server_address a.example server_port 443", 4},
		{"h2trace_connection_failures_total", "server_address c.example error_type connect", 1},
		{"h2trace_stalls_total", "side recv_window", 1},
		{"h2trace_stall_seconds_total", "side recv_window", 0.25},
		{"h2trace_records_lost_total", "", 7},
		{"h2trace_runs_total", "", 1},
		{"h2trace_verdict", "cause server_wait", 1},
	} {
		if got := value(t, families[tt.name], strings.Fields(tt.labels)...); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestPrometheusIsBounded reads more servers, statuses and methods than there is room for.
func TestPrometheusIsBounded(t *testing.T) {
	var w writer
	w.command(0)
	for i := range 5000 {
		w.exchange(exchange{
			begin: float64(i), url: fmt.Sprintf("https://h%d\\\".example:%d/", i%500, 1000+i%7), wait: 1, status: 100 + i%500,
			method: fmt.Sprintf("M%d", i), class: []string{"", "http_5xx"}[i%2], conn: fmt.Sprintf("c%d", i),
		})
		w.failed(float64(i), fmt.Sprintf("n%d.example", i), "192.0.2.9:443", "connect", "ECONNREFUSED")
	}
	w.exit(6000, 0)
	families, text := expose(t, w.String())
	if n := strings.Count(text, "\n"); n > metrics.MaxSeries*19+metrics.MaxServers*100+200 {
		t.Errorf("%d lines", n)
	}
	var all float64
	for _, m := range families["http_client_request_duration_seconds"].GetMetric() {
		all += float64(m.Histogram.GetSampleCount())
	}
	if all != 5000 {
		t.Errorf("%v requests, want all", all)
	}
	if n := len(families["h2trace_connection_failures_total"].GetMetric()); n > metrics.MaxServers+1 {
		t.Errorf("%d names that failed", n)
	}
}

// TestPrometheusWithoutRequests writes a recording without any.
func TestPrometheusWithoutRequests(t *testing.T) {
	var w writer
	w.command(0)
	w.exit(1000, 0)
	if families, text := expose(t, w.String()); value(t, families["h2trace_runs_total"]) != 1 {
		t.Error(text)
	}
}
