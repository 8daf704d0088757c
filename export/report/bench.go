package report

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// bench writes each run as a line of the Go benchmark format
// (https://go.dev/design/14313-benchmark-format), for benchstat.
type bench struct {
	w      io.Writer
	err    error // the first of w
	labels map[string]string
}

// Bench has the Builder write each run that it reads to w in the Go benchmark format, with
// labels as configuration. It is called before Read. The returned function returns the first
// error of w.
func (b *Builder) Bench(w io.Writer) func() error {
	lines := &bench{w: w}
	b.eachRun(lines.run)
	return func() error { return lines.err }
}

// run writes a run.
func (b *bench) run(s *single) {
	if b.err != nil {
		return
	}
	var text strings.Builder
	b.configure(&text, s.labels)
	name := "BenchmarkRun"
	if s.tables.proxies.forModules() > 0 {
		name = "BenchmarkDownload"
	}
	text.WriteString(name + " 1")
	value := func(v float64, unit string) {
		text.WriteString(" " + strconv.FormatFloat(v, 'f', -1, 64) + " " + unit)
	}
	value(float64(s.wall()-s.parts[partIdle]), "ns/op")
	for i, d := range s.parts {
		if unit := partUnits[i]; unit != "" {
			value(d.Seconds(), unit+"-sec/op")
		}
	}
	m := &s.measures
	value(float64(m.requests), "requests/op")
	value(float64(max(m.failed, 0)), "failures/op")
	value(float64(s.traffic.connections), "conns/op")
	var bytes int64
	for _, p := range s.tables.proxies.values {
		bytes += p.bytes
	}
	value(float64(bytes), "body-B/op")
	for _, q := range []struct {
		unit string
		q    float64
	}{{"wait-p50-sec", 0.5}, {"wait-p95-sec", 0.95}} {
		if v, ok := m.of[metricWait].quantile(q.q); ok {
			text.WriteString(" " + strconv.FormatFloat(v/1e9, 'g', 4, 64) + " " + q.unit) // it is within 1 %
		}
	}
	_, b.err = io.WriteString(b.w, text.String()+"\n")
}

// partUnits begin the units of the parts of the wall time. These are in seconds: benchfmt
// converts nanoseconds, but not where they are 0, so that runs would differ in their units.
var partUnits = [partCount]string{
	partVCS: "vcs", partDNS: "dns", partConnect: "connect", partTLS: "tls", partSend: "send", partSendStall: "send-stall",
	partWait: "wait", partReceive: "receive", partRecvStall: "recv-stall", partOther: "process",
}

// configKey is what the benchmark format allows as a key.
var configKey = regexp.MustCompile(`^[a-z][^\sA-Z:]*$`)

// configure writes the labels that differ from those of the run before.
func (b *bench) configure(text *strings.Builder, labels map[string]string) {
	now := make(map[string]string)
	for key, value := range labels {
		if value = clean(strings.TrimSpace(value)); configKey.MatchString(key) && value != "" { // else it is of another program
			now[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.labels)) {
		if _, ok := now[key]; !ok {
			fmt.Fprintf(text, "%s:\n", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if b.labels[key] != now[key] {
			fmt.Fprintf(text, "%s: %s\n", key, now[key])
		}
	}
	b.labels = now
}
