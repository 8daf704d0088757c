package e2e

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestBenchProxies compares a proxy that has the modules with one that has none and
// with one that is unreachable.
func TestBenchProxies(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 2, 50_000)
	good := modproxy.Start(t, a, mods, modproxy.Options{})
	empty := modproxy.Start(t, a, nil, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, nil, good)
	dir := t.TempDir()
	args := []string{"-r", "2", "-c", "2", "-k", dir}
	for _, m := range mods {
		args = append(args, "-m", m.Path+"@"+m.Version)
	}
	cmd := exec.Command(filepath.Join(repository, "scripts", "bench-proxies"), append(args, good.URL, empty.URL, "https://127.0.0.1:1")...)
	cmd.Env = append(w.Env[:len(w.Env):len(w.Env)], "H2TRACE="+bin(t, "h2trace"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, indent(stderr.String()))
	}
	if !strings.Contains(stderr.String(), "bench-proxies: 4 of 6 runs failed") {
		t.Errorf("4 of 6 runs should have failed\n%s", indent(stderr.String()))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) != 6 {
		t.Errorf("got %d files of events, want 6 (%v)", len(files), err)
	}
	out := stdout.String()
	for _, row := range []string{
		"\n  " + good.URL + "  24        0 ", // 2 runs × 2 at once × 2 modules × info, mod and zip
		"\n  " + empty.URL + "  ", " http_4xx ",
		"\n  https://127.0.0.1:1 ", " 8 connect ",
		"errors: " + empty.URL + " answered 404 Not Found",
		"the go command complains 2 times (connect), such as ",
		"\ngo env -w GOPROXY=" + good.URL + "\n",
	} {
		if !strings.Contains(out, row) {
			if late := lateIn(stderr.String()); late > 0 && strings.Contains(row, " 8 connect ") {
				continue // traffic before their probes was not seen
			}
			t.Errorf("no %q in the report", row)
		}
	}
	if t.Failed() {
		t.Logf("report:\n%s\n%s", indent(out), indent(stderr.String()))
	}
}
