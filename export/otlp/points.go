package otlp

import (
	"strconv"
	"time"

	dto "github.com/prometheus/client_model/go"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"h2trace/export/metrics"
)

// points makes messages of gathered metrics, with the names and attributes of the catalogue.
type points struct {
	byName map[string]*metrics.Metric // by its name in Prometheus
	start  uint64                     // when counting began
}

func newPoints(start time.Time) *points {
	p := &points{byName: make(map[string]*metrics.Metric), start: nanos(start)}
	for _, m := range metrics.Catalogue {
		p.byName[m.Exposed()] = m
	}
	return p
}

func nanos(t time.Time) uint64 { return uint64(t.UnixNano()) }

// of returns the metrics, and how many data points they have.
func (p *points) of(families []*dto.MetricFamily, at time.Time) (list []*metricspb.Metric, n uint64) {
	for _, f := range families {
		m := p.byName[f.GetName()]
		if m == nil || len(f.GetMetric()) == 0 {
			continue
		}
		to := &metricspb.Metric{Name: m.Name, Unit: m.Unit, Description: m.Help}
		switch f.GetType() {
		case dto.MetricType_COUNTER:
			to.Data = &metricspb.Metric_Sum{Sum: &metricspb.Sum{
				AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE,
				IsMonotonic:            true,
				DataPoints:             p.numbers(m, f, at, func(s *dto.Metric) float64 { return s.GetCounter().GetValue() }),
			}}
		case dto.MetricType_GAUGE:
			to.Data = &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{
				DataPoints: p.numbers(m, f, at, func(s *dto.Metric) float64 { return s.GetGauge().GetValue() }),
			}}
		case dto.MetricType_HISTOGRAM:
			to.Data = &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{
				AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE,
				DataPoints:             p.histograms(m, f, at),
			}}
		default:
			continue
		}
		list = append(list, to)
		n += uint64(len(f.GetMetric()))
	}
	return list, n
}

func (p *points) numbers(m *metrics.Metric, f *dto.MetricFamily, at time.Time, value func(*dto.Metric) float64) []*metricspb.NumberDataPoint {
	var list []*metricspb.NumberDataPoint
	for _, s := range f.GetMetric() {
		list = append(list, &metricspb.NumberDataPoint{
			Attributes: attributesOf(m, s), StartTimeUnixNano: p.start, TimeUnixNano: nanos(at),
			Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: value(s)},
		})
	}
	return list
}

// histograms returns those with classic buckets, which all receivers know. Buckets of Prometheus
// count all values up to a bound, those of OTLP the values between two.
func (p *points) histograms(m *metrics.Metric, f *dto.MetricFamily, at time.Time) []*metricspb.HistogramDataPoint {
	var list []*metricspb.HistogramDataPoint
	for _, s := range f.GetMetric() {
		h := s.GetHistogram()
		point := &metricspb.HistogramDataPoint{
			Attributes: attributesOf(m, s), StartTimeUnixNano: p.start, TimeUnixNano: nanos(at),
			Count: h.GetSampleCount(), Sum: h.SampleSum,
			ExplicitBounds: m.Bounds, BucketCounts: make([]uint64, 0, len(m.Bounds)+1),
		}
		var below uint64
		for _, b := range h.GetBucket() {
			if len(point.BucketCounts) == len(m.Bounds) {
				break // that of infinity
			}
			point.BucketCounts = append(point.BucketCounts, b.GetCumulativeCount()-below)
			below = b.GetCumulativeCount()
		}
		point.BucketCounts = append(point.BucketCounts, point.Count-below)
		list = append(list, point)
	}
	return list
}

func attributesOf(m *metrics.Metric, s *dto.Metric) []*common.KeyValue {
	var list []*common.KeyValue
	for _, label := range s.GetLabel() {
		for _, a := range m.Attributes {
			if a.Label() == label.GetName() {
				list = append(list, keyValue(a, label.GetValue()))
			}
		}
	}
	return list
}

func keyValue(a metrics.Attribute, value string) *common.KeyValue {
	v := &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && a.Integer {
		v.Value = &common.AnyValue_IntValue{IntValue: n}
	}
	return &common.KeyValue{Key: a.Key, Value: v}
}
