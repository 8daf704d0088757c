package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestSoakCopies downloads modules, each with a go command that was copied just
// before and is removed right after.
func TestSoakCopies(t *testing.T) {
	needProbes(t)
	const part = "copies"
	runs := amount(t, part, "copies of go", 100, 1000)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/copies", runs, 100)
	proxy := modproxy.Start(t, a, mods, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, nil, proxy)
	root := toolchain(t, "local")
	binary, err := os.ReadFile(filepath.Join(root, "bin", "go"))
	if err != nil {
		t.Fatal(err)
	}
	tr := startTracing(t, command{
		args: []string{spawn.path(t)}, dir: w.Dir, env: append(w.Env, "GOROOT="+root), limit: time.Hour,
	})
	s := newSpawner(t, tr.stdin, tr.stdout)
	file := filepath.Join(t.TempDir(), "go")
	want := make(map[string]bool)
	var started []time.Duration
	for i, m := range mods {
		child.WriteProgram(t, file, binary)
		started = append(started, s.run(file, "mod", "download", m.Path+"@"+m.Version).started)
		// The next one must not get its inode while probes are in it.
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"info", "mod", "zip"} {
			want[fmt.Sprintf("/%s/@v/%s.%s", m.Path, m.Version, suffix)] = true
		}
		progress(t, part, i+1, runs)
	}
	s.end()
	r := tr.good()
	missing := notWhole(t, r, want)
	if len(missing) > 0 {
		t.Logf("not seen from the first byte:\n%s\n%s", strings.Join(missing, "\n"), indent(messagesOf(r.stderr)))
	}
	allowed := 0
	if !soaking { // other tests keep the machine busy
		allowed = mayBeLate(r, runs) * 3
	}
	late := 0
	for _, c := range r.stream.Conns() {
		if c.Open == nil || c.Open.Joined != "start" || len(c.Frames) > 0 && c.Frames[0].Type != "SETTINGS" {
			late++
		}
	}
	told(t, part, "copies of go that were run", float64(runs), "")
	told(t, part, "connections", float64(len(r.stream.Conns())), "")
	within(t, part, "connections not seen from the first byte", float64(late), float64(allowed), "")
	within(t, part, "requests not seen", float64(len(missing)), float64(allowed), "")
	told(t, part, "time to execute, median", quantile(started, 0.5), "ms")
	within(t, part, "time to execute, longest", quantile(started, 1), millis(longestExec()), "ms")
}
