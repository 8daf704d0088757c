package e2e

import "testing"

// TestCostVerdicts has programs fail, or take long, for reasons that packets and
// exchanges tell.
func TestCostVerdicts(t *testing.T) {
	checkSituations(t, []situation{
		{
			name: "proxy that refuses connections",
			run: func(t *testing.T, l *lab) string {
				return traced(t, 1, l.download(t, oneModule, "https://"+closedAddr(t)))
			},
			cause: "connect", text: []string{"connections could not be made"}, evidence: []string{"ECONNREFUSED"},
			never: []string{"nothing failed", "nearer proxy"},
		},
	})
}
