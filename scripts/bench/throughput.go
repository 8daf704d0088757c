package main

import (
	"context"
	"slices"
)

// The compared plans of h2trace; the client alone is planNone.
const (
	planNone     = ""
	planEmpty    = "empty"
	planFrames   = "frames"
	planCalls    = "calls"
	planWire     = "wire"
	planEntryRet = "entry-ret"
	// planPcap is planWire with --pcap.
	planPcap = "pcap"
	// planMetrics is planWire with --metrics.
	planMetrics = "metrics"
	// planOTLP is planWire with --otlp.
	planOTLP = "otlp"
	// planVerify is planCalls with --verify.
	planVerify = "verify"
)

func planName(plan string) string {
	if plan == planNone {
		return "unobserved"
	}
	return plan
}

// costed are the plans of which the CPU time is reported, where they run.
var costed = []string{planCalls, planWire, planPcap, planMetrics, planOTLP, planEntryRet}

// workload is a load under which plans are compared.
type workload struct {
	title   string
	path    string
	workers int
	bulk    bool // of which bytes are the cost, not frames
	plain   bool // without TLS
	plans   []string
}

var (
	plans      = []string{planNone, planEmpty, planFrames, planCalls, planWire, planPcap, planMetrics, planOTLP, planEntryRet, planVerify}
	plansPlain = []string{planNone, planCalls, planWire} // probes see nothing of it
)

// workloads are the parts that compare throughput.
var workloads = map[string]workload{
	"small":       {"100 B", "/100", 16, false, false, plans},
	"large":       {"1 MB", "/1000000", 4, true, false, plans},
	"plain-small": {"100 B without TLS", "/100", 16, false, true, plansPlain},
	"plain-large": {"1 MB without TLS", "/1000000", 4, true, true, plansPlain},
}

// throughput compares the plans under the highest load that the client can generate.
func (b *bench) throughput(ctx context.Context, w workload) error {
	server, err := b.startServer(b.cores[0], w.plain)
	if err != nil {
		return err
	}
	spec := b.pinned()
	spec.path, spec.workers = w.path, w.workers
	runs := make(map[string][]*loadResult)
	for round := range b.rounds {
		for i := range w.plans {
			spec.plan = w.plans[(round+i)%len(w.plans)]
			r, err := b.run(ctx, server, spec)
			if err != nil {
				return err
			}
			runs[spec.plan] = append(runs[spec.plan], r)
		}
		b.log.Printf("%s: round %d of %d", w.title, round+1, b.rounds)
	}
	t := throughputReport{Title: w.title, Workers: w.workers, Bulk: w.bulk}
	for _, plan := range w.plans {
		v := compare(planName(plan), runs[plan], bases{runs[planNone], runs[planEmpty], runs[planFrames]})
		if slices.Contains(costed, plan) {
			base, err := b.startupCPU(ctx, server, spec, plan)
			if err != nil {
				return err
			}
			v.Cost = cost(runs[plan], base)
		}
		t.Variants = append(t.Variants, v)
	}
	b.report.Throughput = append(b.report.Throughput, t)
	return nil
}

// pinned returns a run with client and server on one core, and h2trace on another.
func (b *bench) pinned() loadSpec {
	return loadSpec{warmup: b.warmup, duration: b.duration, clientCPU: b.cores[0], agentCPU: b.cores[1]}
}

const (
	// idleRate is the load of a run that measures start-up, in requests per second.
	idleRate = 5
	// idleRuns is the number of these runs.
	idleRuns = 5
)

// startupCPU returns the milliseconds of CPU time that h2trace needs to observe an almost
// idle client, for the duration of spec. It returns one value for each of several runs.
func (b *bench) startupCPU(ctx context.Context, server *process, spec loadSpec, plan string) ([]float64, error) {
	spec.plan, spec.rate, spec.workers, spec.path = plan, idleRate, 1, "/100"
	var used []float64
	for range idleRuns {
		r, err := b.run(ctx, server, spec)
		if err != nil {
			return nil, err
		}
		if r.summary != nil {
			used = append(used, r.summary.Agent.CPUMillis)
		}
	}
	return used, nil
}
