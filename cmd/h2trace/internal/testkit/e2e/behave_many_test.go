package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestManyProcesses starts many short processes of one executable, in batches: none
// is missed, from its first byte to its exit.
func TestManyProcesses(t *testing.T) {
	needProbes(t)
	const count, batch = 120, 30
	s := startSite(t)
	ready := t.TempDir() + "/go"
	client := fetch.path(t) + " " + s.url
	var script strings.Builder
	fmt.Fprintf(&script, "%s @%s\n", fetch.path(t), ready)
	want := make([]string, count)
	for i := range want {
		want[i] = fmt.Sprintf("/%03d", i)
		fmt.Fprintf(&script, "%s%s >/dev/null &\n", client, want[i])
		if i%batch == batch-1 {
			script.WriteString("wait\n")
		}
	}
	tr := startTracing(t, command{args: []string{"sh", "-c", script.String()}, env: s.env})
	tr.awaitEvent(`"action":"attached"`, 1) // the probes of the first may be too late
	touch(t, ready)
	r := tr.good()

	got := paths(r.stream, 0)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("requests %q, want each of %d once", got, count)
	}
	wantSound(t, r.stream)
	conns := r.stream.Conns()
	if len(conns) != count {
		t.Errorf("%d connections, want %d", len(conns), count)
	}
	for _, c := range conns {
		if c.Open.Joined != "start" || c.Close == nil || c.Close.PID != c.Open.PID {
			t.Errorf("connection of process %d: joined %q, closed %t", c.Open.PID, c.Open.Joined, c.Close != nil)
		}
	}
	for _, action := range []string{"exec", "attached", "exit"} {
		n := 0
		for _, e := range processEvents(r.stream, action) {
			if e.Comm == "fetch" {
				n++
			}
		}
		if n != count+1 {
			t.Errorf("%d %s events of the program, want %d", n, action, count+1)
		}
	}
}
