package e2e

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUnreachable connects without a route, so that nothing is ever sent: in an empty
// network namespace.
func TestUnreachable(t *testing.T) {
	needProbes(t)
	const unsent = "nothing was sent: no route, or this host does not allow it"
	for url, remote := range map[string]string{
		"https://192.0.2.1/":           "192.0.2.1:443",
		"https://[2001:db8::1]:8443/m": "[2001:db8::1]:8443",
	} {
		r := startTracing(t, command{args: []string{"unshare", "--net", fetch.path(t), url}}).wait()
		if r.status == 0 {
			t.Errorf("%s: the client got there", url)
		}
		got := make(map[string]string)
		for _, e := range r.stream.Of("conn") {
			var failed struct {
				Action, Remote string
				Local          *string
				Error          struct{ Class, Detail string }
			}
			if err := json.Unmarshal([]byte(e.Raw), &failed); err != nil {
				t.Fatal(err)
			}
			if failed.Action != "failed" || failed.Local != nil || failed.Error.Class != "connect" {
				t.Errorf("%s: got %s", url, e.Raw)
			}
			got[failed.Remote] = failed.Error.Detail
		}
		// net retries by itself if it has no address of its own to connect from.
		if diff := cmp.Diff(map[string]string{remote: unsent}, got); diff != "" {
			t.Errorf("%s: connects that failed (-want +got):\n%s", url, diff)
		}
		if err := checkSummary(r.stream); err != nil {
			t.Error(err)
		}
	}
}
