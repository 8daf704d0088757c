package main

import "context"

const (
	// manyConns is the number of connections of the part conns.
	manyConns = 1000
	// manyPath has responses of several records of TLS each.
	manyPath = "/100000"
)

// full generates the highest load for a while and looks for losses. The buffer is the
// default one.
func (b *bench) full(ctx context.Context) error {
	for _, name := range []string{"small", "large"} {
		w := workloads[name]
		spec := b.pinned()
		spec.path, spec.workers, spec.duration = w.path, w.workers, b.fullDuration
		if err := b.single(ctx, w.title, spec); err != nil {
			return err
		}
	}
	return nil
}

// manyConnections spreads the highest load over many connections.
func (b *bench) manyConnections(ctx context.Context) error {
	spec := b.pinned()
	spec.path, spec.workers, spec.conns = manyPath, 16, manyConns
	return b.single(ctx, "100 kB", spec)
}

// single runs a load once under each of the plans that need no comparison.
func (b *bench) single(ctx context.Context, title string, spec loadSpec) error {
	server, err := b.startServer(spec.clientCPU, false)
	if err != nil {
		return err
	}
	for _, plan := range []string{planCalls, planWire} {
		spec.plan = plan
		r, err := b.run(ctx, server, spec)
		if err != nil {
			return err
		}
		s := singleReport{
			Title: title, Plan: plan, Conns: max(spec.conns, 1), Seconds: r.Seconds,
			RequestsPerSecond: r.rate(), BytesPerSecond: float64(r.Bytes) / r.Seconds,
		}
		if r.summary != nil {
			s.Summary = true
			s.RecordsSeen, s.RecordsLost = r.summary.Records.Seen, r.summary.Records.Lost
			s.MaxRSSBytes = r.summary.Agent.MaxRSSBytes
		}
		b.report.Single = append(b.report.Single, s)
	}
	return nil
}
