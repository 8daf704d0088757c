package e2e

import (
	"encoding/json"
	"syscall"
	"testing"
)

// TestMetricsOfLoss stops h2trace while its targets work. That records are lost is scraped before
// the observation ends, and the summary has no fewer.
func TestMetricsOfLoss(t *testing.T) {
	t.Parallel()
	needProbes(t)
	const lost = "h2trace_records_lost_total{}"
	m := startMeasured(t, "--buffer", "64KiB")
	m.do("move") // no program is new after that, which would be held
	if err := m.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	m.do("move")
	if err := m.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	var seen float64
	await(t, "the loss in a scrape", func() bool {
		seen = m.scrape()[lost]
		return seen > 0
	})
	m.do("stop")
	r := m.wait()
	var sum struct{ Records struct{ Lost float64 } }
	if err := json.Unmarshal([]byte(r.stream.Of("summary")[0].Raw), &sum); err != nil {
		t.Fatal(err)
	}
	if r.status != 0 || sum.Records.Lost < seen {
		t.Errorf("exit status %d, %v records lost in the end, and %v before\n%s", r.status, sum.Records.Lost, seen, indent(r.stderr))
	}
}
