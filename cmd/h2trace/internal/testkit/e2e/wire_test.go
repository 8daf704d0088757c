package e2e

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// ofWire are the tests that also pass where bytes come from packets and session secrets.
// They join no connection in the middle, and lose nothing: that still takes probes.
var ofWire = []string{
	"TestModuleDownloads",
	"TestExchanges",
	"TestObservedClient",
	"TestObservedServer",
	"TestClientsOwnView",
	"TestBuildVariants",
	"TestBodies",
	"TestVia",
	"TestViaVerdict",
}

// TestWire runs tests with the test plan that takes bytes from packets and secrets.
func TestWire(t *testing.T) {
	needProbes(t)
	for _, name := range ofWire {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+name+"$", "-test.v")
			cmd.Env = append(os.Environ(), testPlan("wire"))
			out, err := cmd.CombinedOutput()
			switch {
			case err != nil:
				t.Errorf("%v\n%s", err, failuresIn(string(out)))
			case strings.Contains(string(out), "--- SKIP"):
				t.Errorf("something is skipped:\n%s", failuresIn(string(out)))
			}
		})
	}
}

// failuresIn returns the lines of test output that are no h2trace output.
func failuresIn(out string) string {
	var lines []string
	for line := range strings.Lines(out) {
		if s := strings.TrimSpace(line); s != "" && !strings.HasPrefix(s, "|") && !strings.HasPrefix(s, "===") && !strings.HasPrefix(s, "--- PASS") {
			lines = append(lines, line[:min(len(line), 500)])
		}
	}
	return strings.Join(lines[:min(len(lines), 60)], "")
}

// ofPackets reports whether TestWire runs the test.
func ofPackets() bool { return slices.Contains(os.Environ(), testPlan("wire")) }

// wantWire reports connections with TLS whose bytes did not come from packets.
func wantWire(t testing.TB, s *contract.Stream) {
	t.Helper()
	for _, c := range s.Conns() {
		if c.Open != nil && c.Open.Protocol == "h2" && !strings.Contains(c.Open.Raw, `"source":"wire"`) {
			t.Errorf("not from packets: %s", c.Open.Raw)
		}
	}
}
