package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"h2trace/export/scan"
)

// The descriptions of what is read when it is asked for.
var (
	lostDesc        = describe(&lost)
	agentCPUDesc    = describe(&agentCPU)
	agentMemoryDesc = describe(&agentMemory)
)

func describe(m *Metric) *prometheus.Desc {
	return prometheus.NewDesc(m.Exposed(), m.Help, m.labels(), nil)
}

// ownCollector collects what is known of h2trace itself.
type ownCollector Recorder

// Describe implements prometheus.Collector.
func (c *ownCollector) Describe(to chan<- *prometheus.Desc) {
	to <- lostDesc
	to <- agentCPUDesc
	to <- agentMemoryDesc
}

// Collect implements prometheus.Collector. What is not known is left out.
func (c *ownCollector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	now := c.said
	c.mu.Unlock()
	if c.opts.Lost != nil {
		if n, err := c.opts.Lost(); err == nil {
			now.lost = max(now.lost, n)
		}
	}
	to <- prometheus.MustNewConstMetric(lostDesc, prometheus.CounterValue, float64(now.lost))
	if c.opts.Usage != nil {
		usage, err := c.opts.Usage()
		if err != nil {
			return
		}
		now.usage = usage
	}
	if now.usage.MaxRSSBytes > 0 {
		to <- prometheus.MustNewConstMetric(agentCPUDesc, prometheus.CounterValue, now.usage.CPU.Seconds())
		to <- prometheus.MustNewConstMetric(agentMemoryDesc, prometheus.GaugeValue, float64(now.usage.MaxRSSBytes))
	}
}

// summary takes what h2trace itself used in a run.
func (r *Recorder) summary(e *scan.Object) {
	cpu, known := scan.Millis(e.Within("agent", "cpu_ms"))
	if !known || cpu < 0 {
		return
	}
	rss, _ := scan.Integer(e.Within("agent", "max_rss_bytes"))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said.usage.CPU += min(cpu, maxTime)
	r.said.usage.MaxRSSBytes = max(r.said.usage.MaxRSSBytes, uint64(max(rss, 0)))
}

// maxTime bounds a time, so that no sum of them overflows soon.
const maxTime = 365 * 24 * time.Hour
