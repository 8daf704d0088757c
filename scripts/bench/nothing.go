package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"time"
)

// nothing measures h2trace around a command that does nothing.
func (b *bench) nothing(ctx context.Context) error {
	path, err := exec.LookPath("true")
	if err != nil {
		return err
	}
	for _, plan := range []string{planNone, planCalls, planWire} {
		n := nothingReport{Plan: planName(plan), Runs: b.startups}
		args := []string{path}
		var env []string
		if plan != planNone {
			var flags []string
			flags, env = observing(plan)
			args = slices.Concat([]string{b.h2trace, "-q", "-o", os.DevNull}, flags, []string{"--", path})
		}
		var wall, cpu []float64
		for range b.startups {
			took, used, err := b.runOnce(ctx, env, args)
			if err != nil {
				return err
			}
			wall, cpu = append(wall, millis(took)), append(cpu, millis(used))
		}
		n.WallMillis, n.CPUMillis = median(wall), median(cpu)
		b.report.Nothing = append(b.report.Nothing, n)
	}
	return nil
}

// runOnce runs a command on the core of h2trace. It returns how long that took, and the
// CPU time of the command and its children.
func (b *bench) runOnce(ctx context.Context, env, args []string) (took, used time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	began := time.Now()
	if err := start(cmd, b.cores[1]); err != nil {
		return 0, 0, err
	}
	if err := cmd.Wait(); err != nil {
		return 0, 0, err
	}
	return time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
