package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"h2trace/export"
	"h2trace/export/scan"
)

// Options say where a Recorder has from what is in no event before the last one.
type Options struct {
	Version string // of h2trace, "" for none
	// Usage returns what h2trace itself has used so far; nil takes it from summaries.
	Usage func() (export.Agent, error)
	// Lost returns how many records are lost so far; nil counts them where events say so, which
	// can be at the end.
	Lost func() (uint64, error)
}

// Events are the kinds of events that a Recorder reads, as the -e of h2trace spells them. It needs
// no frames, which are most of all events.
const Events = "process,conn,exchange,stall,verify"

// Recorder counts what events say. It is a prometheus.Gatherer: Gather may be called while lines
// are taken, but lines must be taken one after the other.
type Recorder struct {
	opts     Options
	registry *prometheus.Registry
	vectors  vectors
	event    scan.Object
	servers  servers
	series   series
	conns    map[string]*conn // that are open
	strays   strays

	mu   sync.Mutex
	said own
}

// own is what is known of h2trace itself.
type own struct {
	usage export.Agent // the zero Agent is not known
	lost  uint64
}

// New returns a Recorder that has seen nothing.
func New(o Options) *Recorder {
	r := &Recorder{opts: o, registry: prometheus.NewRegistry(), conns: make(map[string]*conn), strays: make(strays)}
	r.vectors = newVectors(r.registry)
	r.servers = servers{known: make(map[address]*serverSeries), origins: make(map[string]address), vectors: &r.vectors}
	r.series = newSeries(&r.vectors)
	r.registry.MustRegister((*ownCollector)(r))
	if o.Version != "" {
		r.vectors.info.WithLabelValues(o.Version).Set(1)
	}
	return r
}

// Take counts the event of a line. It does not keep the line, and ignores what is no event.
func (r *Recorder) Take(line []byte) {
	e := &r.event
	if !e.Parse(line) {
		return
	}
	switch string(e.Word("event")) {
	case "exchange":
		r.exchange(e)
	case "conn":
		r.conn(e)
	case "stall":
		r.stall(e)
	case "process":
		r.process(e)
	case "verify":
		r.vectors.mismatches.WithLabelValues().Inc()
	case "loss":
		n, _ := scan.Integer(e.Get("records"))
		r.mu.Lock()
		r.said.lost += uint64(max(n, 0))
		r.mu.Unlock()
	case "summary":
		r.summary(e)
		r.EndRun()
	}
}

// EndRun forgets connections: in what follows, their ids are those of others. A summary ends
// a run, too.
func (r *Recorder) EndRun() {
	clear(r.conns)
	clear(r.strays)
	for _, role := range allRoles {
		r.vectors.openConns.WithLabelValues(role).Set(0)
	}
}

// Gather returns all metrics, in the order of their names. Labels of which the value is not known
// are absent. It implements prometheus.Gatherer.
func (r *Recorder) Gather() ([]*dto.MetricFamily, error) {
	families, err := r.registry.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			m.Label = known(m.GetLabel())
		}
	}
	return families, err
}

// known returns the labels that have a value. The list that it gets is one that series share.
func known(labels []*dto.LabelPair) []*dto.LabelPair {
	for i, l := range labels {
		if l.GetValue() != "" {
			continue
		}
		list := append([]*dto.LabelPair(nil), labels[:i]...)
		for _, l := range labels[i+1:] {
			if l.GetValue() != "" {
				list = append(list, l)
			}
		}
		return list
	}
	return labels
}
