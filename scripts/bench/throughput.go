package main

import "context"

// The compared plans of h2trace; the client alone is planNone.
const (
	planNone     = ""
	planEmpty    = "empty"
	planFrames   = "frames"
	planAuto     = "auto"
	planEntryRet = "entry-ret"
	// planVerify is planAuto with --verify.
	planVerify = "verify"
)

var plans = []string{planNone, planEmpty, planFrames, planAuto, planEntryRet, planVerify}

func planName(plan string) string {
	if plan == planNone {
		return "unobserved"
	}
	return plan
}

// throughput compares the plans under the highest load that the client can generate.
func (b *bench) throughput(ctx context.Context, title, path string, workers int) error {
	server, err := b.startServer(b.cores[0])
	if err != nil {
		return err
	}
	spec := loadSpec{
		path: path, workers: workers, warmup: b.warmup, duration: b.duration,
		clientCPU: b.cores[0], agentCPU: b.cores[1],
	}
	runs := make(map[string][]*loadResult)
	for round := range b.rounds {
		for i := range plans {
			spec.plan = plans[(round+i)%len(plans)]
			r, err := b.run(ctx, server, spec)
			if err != nil {
				return err
			}
			runs[spec.plan] = append(runs[spec.plan], r)
		}
		b.log.Printf("%s: round %d of %d", title, round+1, b.rounds)
	}
	t := throughputReport{Title: title, Workers: workers}
	for _, plan := range plans {
		v := compare(planName(plan), runs[plan], bases{runs[planNone], runs[planEmpty], runs[planFrames]})
		if plan == planAuto || plan == planEntryRet {
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
