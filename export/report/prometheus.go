package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"

	"h2trace/export/metrics"
)

// Prometheus has the Builder collect what WritePrometheus writes. It is called before Read.
func (b *Builder) Prometheus() { b.metrics = metrics.New(metrics.Options{}) }

// WritePrometheus writes all lines read so far in the text exposition format, for the
// textfile collector: the metrics of a running h2trace, and those of a report.
func (b *Builder) WritePrometheus(w io.Writer) error {
	s := b.sums
	wall := make(map[string]float64)
	for i, d := range s.parts {
		wall[strings.ReplaceAll(cmp.Or(partUnits[i], "idle"), "-", "_")] = d.Seconds()
	}
	families, err := b.metrics.Gather()
	if err != nil {
		return fmt.Errorf("gather metrics: %w", err)
	}
	families = append(families,
		metrics.Runs.Family(map[string]float64{"": float64(s.ends.runs)}),
		metrics.Wall.Family(wall),
		metrics.Verdict.Family(map[string]float64{string(newJudge(s).verdict().Cause): 1}),
	)
	var text bytes.Buffer
	if err := metrics.WriteText(&text, families); err != nil {
		return err
	}
	_, err = text.WriteTo(w)
	return err
}
