package e2e

import (
	"cmp"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// ofWire are the tests that run with bytes from packets and session secrets, too.
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
	"TestViaSOCKS",
	"TestViaAttach",
	"TestFrontends",
	"TestHTTP1Modules",
	"TestRetries",
	"TestUpgrade",
	"TestFresh",
	"TestFreshNamed",
	"TestWaitVerdicts",
	"TestWindowVerdict",
	"TestLoss",
	"TestLostBodies",
	"TestVerdict",
	"TestUnmadeVerdict",
	"TestFound",
	"TestLocks",
	"TestModuleProxy",
	"TestAdviceVerdicts",
	"TestImplicitHandshakes",
	"TestFailedHandshakes",
	"TestLostEnds",
	"TestExecutableMetAtExec",
	"TestLibrary",
	"TestJoinEvents",
	"TestJoinLargeTables",
	"TestJoinWindows",
	"TestJoinWindowsServer",
	"TestJoinGRPC",
	"TestJoinSuites",
	"TestJoinBusy",
	"TestJoinUpdated",
	"TestStrayHandshake",
	"TestUnixSockets",
	"TestAttach",
	"TestUnended",
	"TestGoLog",
	"TestProxiesFaulty",
	"TestProxiesOdd",
	"TestProxiesDegraded",
}

// TestWire runs tests with bytes from packets and secrets; all but itself with
// H2TRACE_MATRIX=1.
func TestWire(t *testing.T) {
	needProbes(t)
	tests, full := "^("+strings.Join(ofWire, "|")+")$", os.Getenv("H2TRACE_MATRIX") == "1"
	if full {
		tests = "."
	} else {
		t.Attr("reduced", "bytes from packets: some end-to-end tests; scripts/matrix runs all")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+tests, "-test.skip=^TestWire$", "-test.v", "-test.timeout=60m")
	cmd.Env = append(os.Environ(), sourceVariable+"=auto", "H2TRACE_MATRIX=")
	b, err := cmd.CombinedOutput()
	out := string(b)
	passed := 0
	for _, name := range ofWire {
		if strings.Contains(out, "\n--- PASS: "+name+" ") {
			passed++
		}
	}
	if err != nil || passed != len(ofWire) || !full && strings.Contains(out, "--- SKIP") {
		t.Errorf("%d of %d tests passed (%v)\n%s", passed, len(ofWire), err, failuresIn(out))
	}
}

// failuresIn returns what the failed tests in the output of go test -v printed, without the
// output of h2trace, and which these are.
func failuresIn(out string) string {
	var failed, now string
	said := make(map[string][]string) // by test
	for line := range strings.Lines(out) {
		text := strings.TrimSpace(line)
		if fields := strings.Fields(text); strings.HasPrefix(text, "=== ") && len(fields) == 3 {
			now = fields[2]
		} else if name, ok := strings.CutPrefix(text, "--- FAIL: "); ok {
			failed += line
			name, _, _ = strings.Cut(name, " ")
			said[name] = append(said[name], "") // failed
		} else if text != "" && !strings.HasPrefix(text, "|") && !strings.HasPrefix(text, "--- ") {
			said[now] = append(said[now], line[:min(len(line), 500)])
		}
	}
	for name, lines := range said {
		if slices.Contains(lines, "") {
			failed += name + ":\n" + strings.Join(lines[:min(len(lines), 40)], "")
		}
	}
	return failed
}

// sourceVariable names the source that h2trace is told to take bytes from.
const sourceVariable = "H2TRACE_TEST_SOURCE"

func source() string { return cmp.Or(os.Getenv(sourceVariable), "calls") }

// ofPackets reports whether bytes of TLS are to come from packets.
func ofPackets() bool { return source() != "calls" }

// wantWire reports connections with TLS whose bytes did not come from packets. Those on
// Unix sockets have no addresses, and no packets.
func wantWire(t testing.TB, s *contract.Stream) {
	t.Helper()
	for _, c := range s.Conns() {
		if c.Open != nil && c.Open.Protocol == "h2" && c.Open.Local != "" && !strings.Contains(c.Open.Raw, `"source":"wire"`) {
			t.Errorf("not from packets: %s", c.Open.Raw)
		}
	}
}
