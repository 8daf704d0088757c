package main

import "context"

// fixedRate generates a constant load and looks for losses.
func (b *bench) fixedRate(ctx context.Context) error {
	server, err := b.startServer(-1)
	if err != nil {
		return err
	}
	spec := loadSpec{
		path: "/100", workers: 64, rate: b.rate, warmup: b.warmup, duration: b.rateDuration,
		plan: planAuto, clientCPU: -1, agentCPU: -1,
	}
	r, err := b.run(ctx, server, spec)
	if err != nil {
		return err
	}
	base, err := b.startupCPU(ctx, server, spec, planAuto)
	if err != nil {
		return err
	}
	b.report.FixedRate = &rateReport{
		Wanted: b.rate, Reached: r.rate(), Late: r.Late, Seconds: r.Seconds,
		Cost: cost([]*loadResult{r}, base),
	}
	return nil
}
