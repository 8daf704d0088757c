//go:build linux

package trace

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/trace/packets"
	"h2trace/export"
)

// Options says what to observe, and how.
type Options struct {
	Command     []string // COMMAND and its arguments, as typed; empty for running processes
	Path        string   // of the executable of COMMAND, "" before it is known
	PIDs        []int    // -p, without repetitions
	Names       []string // -n, base names of executables
	Cgroups     []string // --cgroup; New finds their directories
	NoFollow    bool     // --no-follow: leave children of the targets alone
	NoGate      bool     // --no-gate: do not hold executables at exec
	Events      export.Filter
	Listeners   []export.Listener           // get events, too
	Format      func(b, line []byte) []byte // see export.Options
	KeyLog      io.Writer                   // --keylog; nil for none
	PacketFiles packets.Files               // --pcap; nil for none
	KeyedFiles  bool                        // session secrets go there, too
	Labels      []export.Label              // --label
	// Delivered is called before the summary, after all other events of targets. It returns what
	// became of those sent elsewhere; nil is for nothing.
	Delivered   func() *export.OTLP
	BodyBytes   int           // -s, bytes of each DATA payload
	ShowSecrets bool          // --show-secrets
	Buffer      int           // --buffer, bytes; a power of two
	Duration    time.Duration // --duration, for messages; 0 is no limit
	Verify      bool          // --verify: hold headers against those of the processes
	Plan        Plan          // --plan
	Sources     Sources       // --source
	TestPlan    TestPlan      // for tests, and to measure what observing costs
}

// expectsOthers reports whether processes can become targets that are not descendants of some.
func (o *Options) expectsOthers() bool { return len(o.Names)+len(o.Cgroups) > 0 }

// Plan says which places of a binary the probes go to.
type Plan string

// The plans. PlanAuto takes the cheapest place that the binary has and falls
// back to PlanEntryRet.
const (
	PlanAuto     Plan = "auto"
	PlanEntryRet Plan = "entry-ret"
)

// Set is part of pflag.Value.
func (p *Plan) Set(s string) error {
	plan := Plan(s)
	if plan != PlanAuto && plan != PlanEntryRet {
		return fmt.Errorf("the plans are %s, %s", PlanAuto, PlanEntryRet)
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

// Sources says where the bytes of connections may be taken. Where both are allowed, wire
// is taken where it can be.
type Sources struct {
	Wire  bool // packets, with session secrets where they are encrypted
	Calls bool // probes on Read and Write of crypto/tls
}

// Auto has the bytes taken wherever they can be.
var Auto = Sources{Wire: true, Calls: true}

// Set is part of pflag.Value.
func (s *Sources) Set(list string) error {
	var set Sources
	for word := range strings.SplitSeq(list, ",") {
		switch word {
		case "wire":
			set.Wire = true
		case "calls":
			set.Calls = true
		case "auto":
			set = Auto
		default:
			return fmt.Errorf("%q is no source; they are wire, calls, auto", word)
		}
	}
	*s = set
	return nil
}

// String is part of pflag.Value.
func (s *Sources) String() string {
	switch *s {
	case Sources{Wire: true}:
		return "wire"
	case Sources{Calls: true}:
		return "calls"
	}
	return "auto"
}

// Type is part of pflag.Value.
func (s *Sources) Type() string { return "LIST" }

// TestPlan has probes do less than users want of them. The zero TestPlan has
// them do all.
type TestPlan string

// The test plans. testFrames leaves out what frames do not need, to measure what
// that costs. testEmpty puts programs that do nothing where the probes go, to
// measure what the traps alone cost. testDeafRead and testDeafWrite do so for one
// tap, to test that h2trace notices.
const (
	testFrames    TestPlan = "frames"
	testEmpty     TestPlan = "empty"
	testDeafRead  TestPlan = "deaf-read"
	testDeafWrite TestPlan = "deaf-write"
)

// ParseTestPlan returns the plan of a name; the empty name is the zero TestPlan.
func ParseTestPlan(name string) (TestPlan, error) {
	plans := []TestPlan{testFrames, testEmpty, testDeafRead, testDeafWrite}
	if p := TestPlan(name); p == "" || slices.Contains(plans, p) {
		return p, nil
	}
	return "", fmt.Errorf("%q is no test plan; they are %v", name, plans)
}

// TakesCalls reports whether the plan is for bytes from calls only.
func (p TestPlan) TakesCalls() bool { return p == testFrames || p == testEmpty }

// deafTap returns the tap that is to be deaf.
func (p TestPlan) deafTap() plan.Tap {
	switch p {
	case testDeafRead:
		return plan.Read
	case testDeafWrite:
		return plan.Write
	}
	return ""
}
