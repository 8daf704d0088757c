//go:build linux

package main

import (
	"sync"
	"time"

	"h2trace/cmd/h2trace/internal/linequeue"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/metricsserver"
	"h2trace/cmd/h2trace/internal/trace"
	"h2trace/export"
	"h2trace/export/metrics"
)

// metricsRun is what --metrics serves of an observation. A nil metricsRun serves nothing.
type metricsRun struct {
	recorder *metrics.Recorder
	lines    *linequeue.Queue
	server   *metricsserver.Server // nil if only a collector gets them

	mu   sync.Mutex
	lost func() (uint64, error) // nil before there is a tracer
}

// What waits to be counted is 2 MiB at most, and does so for metricsDelay.
const (
	metricsChunks = 32
	metricsDelay  = 50 * time.Millisecond
)

// lossCounter is a tracer that knows what was lost before it says so in events.
type lossCounter interface{ Lost() (uint64, error) }

// newMetricsRun serves what the tracer observes, whatever -e says. It returns nil if the user wants
// none.
func newMetricsRun(opts *Options, msg *message.Printer) (*metricsRun, error) {
	if opts.Metrics == "" {
		return nil, nil
	}
	m := recordMetrics(opts)
	server, err := metricsserver.Start(opts.Metrics, m.recorder)
	if err != nil {
		return nil, err
	}
	m.server = server
	if server.Public() {
		msg.Infof("metrics are at %s, for all that reach this host", server.URL())
	} else {
		msg.Infof("metrics are at %s", server.URL())
	}
	return m, nil
}

// recordMetrics records what the tracer observes, for an endpoint or a collector.
func recordMetrics(opts *Options) *metricsRun {
	m := &metricsRun{}
	m.recorder = metrics.New(metrics.Options{Version: moduleVersion(), Usage: trace.AgentUsage, Lost: m.lostSoFar})
	m.lines = linequeue.New(m.recorder.Take, linequeue.Options{Chunks: metricsChunks, Delay: metricsDelay})
	kinds, err := export.ParseEvents(metrics.Events)
	if err != nil {
		panic(err)
	}
	opts.Listeners = append(opts.Listeners, export.Listener{Events: kinds, Line: m.lines.Add})
	return m
}

// observes says who knows what is lost so far.
func (m *metricsRun) observes(t tracer) {
	if c, ok := t.(lossCounter); ok && m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.lost = c.Lost
	}
}

func (m *metricsRun) lostSoFar() (uint64, error) {
	m.mu.Lock()
	lost := m.lost
	m.mu.Unlock()
	if lost == nil {
		return 0, nil
	}
	return lost()
}

// end ends the endpoint. No line may follow.
func (m *metricsRun) end() {
	if m != nil {
		m.lines.Close()
		if m.server != nil {
			m.server.Close()
		}
	}
}
