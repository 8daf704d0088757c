package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNames observes by name: a running process, a later one of another path, and
// their children; nothing else.
func TestNames(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	named := filepath.Join(dir, "named-client")
	fetch.copyTo(t, named)

	early := startFile(t, named, s.env, "@"+dir+"/go", s.url+"/early")
	tr := startTracing(t, command{flags: []string{"-n", "no-such-name,named-client"}})
	tr.awaitEvent(`"action":"attached"`, 1)

	other := startFile(t, fetch.path(t), s.env, "@"+dir+"/go", s.url+"/other")
	late := startFile(t, named, s.env, "@"+dir+"/go", s.url+"/late")
	// Its child has another name.
	parent := startFile(t, named, s.env, "@"+dir+"/go", "!"+fetch.path(t)+" "+s.url+"/child")
	tr.awaitEvent(`"action":"attached"`, 3)
	touch(t, dir+"/go")
	for _, p := range []*program{early, late, parent, other} {
		p.end()
	}
	tr.awaitEvent(`"action":"exit"`, 4)
	tr.signal(os.Interrupt)
	r := tr.good()

	wantPaths(t, r.stream, []string{"/early", "/late", "/child"}, "/early", "/late")
	for p, path := range map[*program]string{early: "/early", late: "/late"} {
		if got := paths(r.stream, p.pid); !slices.Equal(got, []string{path}) {
			t.Errorf("process %d: requests %q, want %q", p.pid, got, path)
		}
	}
	if raw := rawOf(r.stream.Events); strings.Contains(raw, "/other") {
		t.Error("a process of another name was observed")
	}
}
