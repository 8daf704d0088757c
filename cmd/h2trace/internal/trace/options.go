package trace

import (
	"fmt"
	"slices"
	"time"

	"h2trace/bpf/plan"
	"h2trace/export"
)

// Options says what to observe, and how.
type Options struct {
	Command     []string // COMMAND and its arguments, as typed; empty for running processes
	PIDs        []int    // -p, without repetitions
	Names       []string // -n, base names of executables
	NoFollow    bool     // --no-follow: leave children of the targets alone
	NoGate      bool     // --no-gate: do not hold executables at exec
	Events      export.Filter
	BodyBytes   int           // -s, bytes of each DATA payload
	ShowSecrets bool          // --show-secrets
	Buffer      int           // --buffer, bytes; a power of two
	Duration    time.Duration // --duration, for messages; 0 is no limit
	Verify      bool          // --verify: hold headers against those of the processes
	Plan        Plan
}

// Plan says which places of a binary the probes go to.
type Plan string

// The plans. PlanAuto takes the cheapest place that the binary has and falls
// back to PlanEntryRet; PlanFrames is PlanAuto without all that frames do not
// need, to measure what that costs; PlanEmpty puts programs that do nothing at the
// places of PlanAuto, to measure what the traps alone cost. PlanDeafRead and
// PlanDeafWrite do so for one tap, to test that this is noticed.
const (
	PlanAuto     Plan = "auto"
	PlanEntryRet Plan = "entry-ret"
	PlanFrames   Plan = "frames"
	PlanEmpty    Plan = "empty"

	PlanDeafRead  Plan = "deaf-read"
	PlanDeafWrite Plan = "deaf-write"
)

// Set is part of pflag.Value.
func (p *Plan) Set(s string) error {
	plan := Plan(s)
	if !slices.Contains([]Plan{PlanAuto, PlanEntryRet, PlanFrames, PlanEmpty, PlanDeafRead, PlanDeafWrite}, plan) {
		return fmt.Errorf("the plans are %s, %s, %s, %s", PlanAuto, PlanEntryRet, PlanFrames, PlanEmpty)
	}
	*p = plan
	return nil
}

// String is part of pflag.Value.
func (p *Plan) String() string { return string(*p) }

// Type is part of pflag.Value.
func (p *Plan) Type() string { return "PLAN" }

// Mode returns what the planner of probes is told.
func (p Plan) Mode() plan.Mode {
	if p == PlanEntryRet {
		return plan.EntryRet
	}
	return plan.Auto
}

// deafTap returns the tap that is to be deaf.
func (p Plan) deafTap() plan.Tap {
	switch p {
	case PlanDeafRead:
		return plan.Read
	case PlanDeafWrite:
		return plan.Write
	}
	return ""
}
