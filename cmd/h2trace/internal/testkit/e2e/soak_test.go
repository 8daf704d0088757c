package e2e

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"h2trace/bpf/gate"
)

// soaking says that long tests run in full, as in scripts/soak.
var soaking = os.Getenv("H2TRACE_SOAK") == "1"

// amount returns how many repetitions a long test does: all, or as many as fit into
// every run of the tests.
func amount(t testing.TB, part, what string, few, all int) int {
	t.Helper()
	if soaking {
		return all
	}
	t.Attr("reduced", fmt.Sprintf("%d of %d %s; scripts/soak %s runs all", few, all, what, part))
	return few
}

// progress reports progress to whoever waits for a full run.
func progress(t testing.TB, part string, done, all int) {
	t.Helper()
	if soaking && (done%max(1, all/20) == 0 || done == all) {
		t.Attr("progress", fmt.Sprintf("soak: %s: %d of %d", part, done, all))
	}
}

// within reports a number, and requires that it is at most its limit.
func within(t testing.TB, part, what string, got, limit float64, unit string) {
	t.Helper()
	verdict := "ok"
	if got > limit {
		verdict = "OVER"
		t.Errorf("%s: %g %s, the limit is %g", what, got, unit, limit)
	}
	t.Attr("measured", fmt.Sprintf("%s\t%s\t%.6g %s\tlimit %g\t%s", part, what, got, unit, limit, verdict))
}

// stays reports an earlier and a current number, and requires that it has not grown
// by more than its limit.
func stays(t testing.TB, part, what string, before, after, limit float64) {
	t.Helper()
	verdict := "ok"
	if after-before > limit {
		verdict = "OVER"
		t.Errorf("%s: %g, it was %g, and may grow by %g", what, after, before, limit)
	}
	t.Attr("measured", fmt.Sprintf("%s\t%s\t%.4g, was %.4g\tlimit +%g\t%s", part, what, after, before, limit, verdict))
}

// told reports a number without a limit.
func told(t testing.TB, part, what string, got float64, unit string) {
	t.Helper()
	t.Attr("measured", fmt.Sprintf("%s\t%s\t%.6g %s", part, what, got, unit))
}

// onBusy returns a limit on time: the promised one in full runs, and otherwise one
// that only a wait in vain exceeds.
func onBusy(limit float64, busy time.Duration) float64 {
	if soaking {
		return limit
	}
	return millis(busy)
}

// longestExec is how long an execution may take when it is held for the bound: the
// kernel needs some time for its own part.
func longestExec() time.Duration {
	if soaking {
		return gate.Bound + 50*time.Millisecond
	}
	return longHold
}

// quantile returns the q-quantile in milliseconds.
func quantile(list []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return millis(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)])
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
