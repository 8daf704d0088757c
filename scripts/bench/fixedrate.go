package main

import "context"

// lowRate leaves h2trace idle between requests, so that it pays for each wake-up.
const lowRate = 1500

// fixedRates generates constant loads and looks for losses.
func (b *bench) fixedRates(ctx context.Context) error {
	for _, rate := range []int{lowRate, b.rate} {
		spec := b.pinned()
		if rate != lowRate {
			spec.clientCPU, spec.agentCPU = -1, -1 // one core may not reach it
		}
		spec.path, spec.workers, spec.rate, spec.duration = "/100", 64, rate, b.rateDuration
		server, err := b.startServer(spec.clientCPU, false)
		if err != nil {
			return err
		}
		for _, plan := range []string{planCalls, planWire} {
			if err := b.fixedRate(ctx, server, spec, plan); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) fixedRate(ctx context.Context, server *process, spec loadSpec, plan string) error {
	spec.plan = plan
	r, err := b.run(ctx, server, spec)
	if err != nil {
		return err
	}
	base, err := b.startupCPU(ctx, server, spec, plan)
	if err != nil {
		return err
	}
	b.report.FixedRates = append(b.report.FixedRates, rateReport{
		Plan: plan, Pinned: spec.clientCPU >= 0, Wanted: spec.rate, Reached: r.rate(), Late: r.Late, Seconds: r.Seconds,
		Cost: cost([]*loadResult{r}, base),
	})
	return nil
}
