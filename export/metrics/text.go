package metrics

import (
	"fmt"
	"io"
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// WriteText writes families in the text exposition format of Prometheus. That has no native
// histograms, only classic ones.
func WriteText(w io.Writer, families []*dto.MetricFamily) error {
	text := expfmt.NewEncoder(w, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := text.Encode(f); err != nil {
			return fmt.Errorf("write %s: %w", f.GetName(), err)
		}
	}
	return nil
}

// Family returns a counter or gauge with its values, by that of its only attribute: "" if it has
// none.
func (m *Metric) Family(values map[string]float64) *dto.MetricFamily {
	f := &dto.MetricFamily{Name: new(m.Exposed()), Help: &m.Help, Type: dto.MetricType_GAUGE.Enum()}
	if m.kind == counterKind {
		f.Type = dto.MetricType_COUNTER.Enum()
	}
	for _, of := range slices.Sorted(maps.Keys(values)) {
		one := &dto.Metric{}
		if of != "" {
			one.Label = []*dto.LabelPair{{Name: new(m.Attributes[0].Label()), Value: &of}}
		}
		if v := values[of]; m.kind == counterKind {
			one.Counter = &dto.Counter{Value: &v}
		} else {
			one.Gauge = &dto.Gauge{Value: &v}
		}
		f.Metric = append(f.Metric, one)
	}
	return f
}
