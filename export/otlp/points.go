package otlp

import (
	"math"
	"strconv"
	"time"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"google.golang.org/protobuf/encoding/protowire"

	"h2trace/export/metrics"
)

// The fields of Metric, of what it has as data, and of data points
// (opentelemetry/proto/metrics/v1/metrics.proto).
const (
	metricName        = 1
	metricDescription = 2
	metricUnit        = 3
	metricGauge       = 5
	metricSum         = 7
	metricHistogram   = 9

	dataPoints      = 1
	dataTemporality = 2
	sumMonotonic    = 3

	pointStart = 2
	pointTime  = 3

	numberDouble     = 4
	numberAttributes = 7

	histogramCount      = 4
	histogramSum        = 5
	histogramBuckets    = 6
	histogramBounds     = 7
	histogramAttributes = 9
)

// cumulative is AGGREGATION_TEMPORALITY_CUMULATIVE.
const cumulative = 2

// points makes messages of gathered metrics, with the names and attributes of the catalogue.
type points struct {
	byName map[string]*metrics.Metric // by its name in Prometheus
	start  time.Time                  // when counting began
}

func newPoints(start time.Time) *points {
	p := &points{byName: make(map[string]*metrics.Metric), start: start}
	for _, m := range metrics.Catalogue {
		p.byName[m.Exposed()] = m
	}
	return p
}

// appendTo appends the metrics to the message of a scope, and returns how many data points they
// have.
func (p *points) appendTo(msg *message, families []*dto.MetricFamily, at time.Time) (n uint64) {
	for _, f := range families {
		m := p.byName[f.GetName()]
		data := map[dto.MetricType]protowire.Number{
			dto.MetricType_COUNTER: metricSum, dto.MetricType_GAUGE: metricGauge, dto.MetricType_HISTOGRAM: metricHistogram,
		}[f.GetType()]
		if m == nil || data == 0 || len(f.GetMetric()) == 0 {
			continue
		}
		start := msg.begin(ofScopeItems)
		msg.text(metricName, m.Name)
		msg.text(metricDescription, m.Help)
		msg.text(metricUnit, m.Unit)
		of := msg.begin(data)
		for _, s := range f.GetMetric() {
			p.point(msg, m, s, at)
		}
		if data != metricGauge {
			msg.varint(dataTemporality, cumulative)
		}
		if data == metricSum {
			msg.varint(sumMonotonic, 1)
		}
		msg.end(of)
		msg.end(start)
		n += uint64(len(f.GetMetric()))
	}
	return n
}

// point appends a data point.
func (p *points) point(msg *message, m *metrics.Metric, s *dto.Metric, at time.Time) {
	start := msg.begin(dataPoints)
	msg.time(pointStart, p.start)
	msg.time(pointTime, at)
	labels := unlimited(msg, numberAttributes)
	switch {
	case s.Histogram != nil:
		histogram(msg, m, s.Histogram)
		labels.field = histogramAttributes
	case s.Counter != nil:
		msg.double(numberDouble, s.Counter.GetValue())
	default:
		msg.double(numberDouble, s.Gauge.GetValue())
	}
	addLabels(&labels, m, s)
	msg.end(start)
}

// histogram appends one with classic buckets, which all receivers know. Buckets of Prometheus count
// all values up to a bound, those of OTLP the values between two.
func histogram(msg *message, m *metrics.Metric, h *dto.Histogram) {
	msg.fixed64(histogramCount, h.GetSampleCount())
	if h.SampleSum != nil {
		msg.double(histogramSum, h.GetSampleSum())
	}
	buckets := msg.begin(histogramBuckets)
	var below uint64
	for _, b := range h.GetBucket()[:min(len(h.GetBucket()), len(m.Bounds))] { // one more is that of infinity
		*msg = protowire.AppendFixed64(*msg, b.GetCumulativeCount()-below)
		below = b.GetCumulativeCount()
	}
	*msg = protowire.AppendFixed64(*msg, h.GetSampleCount()-below)
	msg.end(buckets)
	bounds := msg.begin(histogramBounds)
	for _, b := range m.Bounds {
		*msg = protowire.AppendFixed64(*msg, math.Float64bits(b))
	}
	msg.end(bounds)
}

// addLabels adds the labels of a series, as the catalogue spells them.
func addLabels(to *attributes, m *metrics.Metric, s *dto.Metric) {
	for _, label := range s.GetLabel() {
		for _, a := range m.Attributes {
			if a.Label() != label.GetName() {
				continue
			}
			if n, err := strconv.ParseInt(label.GetValue(), 10, 64); err == nil && a.Integer {
				to.integer(attribute.Key(a.Key), n)
			} else {
				to.textOrEmpty(attribute.Key(a.Key), label.GetValue())
			}
		}
	}
}
