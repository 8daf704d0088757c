package otlp

import (
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"h2trace/export/metrics"
	"h2trace/export/otlp/otlptest"
)

// TestPoints has each series of a recorded download as a data point of the same value, with the names of
// OpenTelemetry; the buckets of a histogram hold each value once.
func TestPoints(t *testing.T) {
	r := metrics.New(metrics.Options{Version: "v1"})
	for _, line := range recording(t) {
		r.Take([]byte(line))
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var msg message
	n := newPoints(time.Unix(1, 0)).appendTo(&msg, families, time.Unix(2, 0))
	var scope metricspb.ScopeMetrics
	if err := proto.Unmarshal(msg, &scope); err != nil {
		t.Fatal(err)
	}
	list := scope.Metrics
	series := uint64(0)
	requests := uint64(0)
	for i, f := range families {
		series += uint64(len(f.GetMetric()))
		m := list[i]
		switch f.GetType() {
		case dto.MetricType_COUNTER:
			for j, p := range m.GetSum().DataPoints {
				if got, want := p.GetAsDouble(), f.Metric[j].GetCounter().GetValue(); got != want || !m.GetSum().IsMonotonic {
					t.Errorf("%s: %v, want %v", m.Name, got, want)
				}
			}
		case dto.MetricType_GAUGE:
			for j, p := range m.GetGauge().DataPoints {
				if got, want := p.GetAsDouble(), f.Metric[j].GetGauge().GetValue(); got != want {
					t.Errorf("%s: %v, want %v", m.Name, got, want)
				}
			}
		case dto.MetricType_HISTOGRAM:
			for j, p := range m.GetHistogram().DataPoints {
				h := f.Metric[j].GetHistogram()
				sum := uint64(0)
				for _, k := range p.BucketCounts {
					sum += k
				}
				if p.Count != h.GetSampleCount() || sum != p.Count || p.GetSum() != h.GetSampleSum() || len(p.BucketCounts) != len(p.ExplicitBounds)+1 {
					t.Errorf("%s: %v of %v", m.Name, p, h)
				}
				if a := otlptest.Attributes(p.Attributes); m.Name == "http.client.request.duration" {
					requests += p.Count
					if a["server.port"] != int64(443) || a["http.response.status_code"] == nil || a["http.request.method"] != "GET" {
						t.Errorf("%s has %v", m.Name, a)
					}
				}
			}
		}
	}
	if n != series || len(list) != len(families) || requests == 0 {
		t.Errorf("%d points of %d series, %d metrics of %d families, %d requests", n, series, len(list), len(families), requests)
	}
}
