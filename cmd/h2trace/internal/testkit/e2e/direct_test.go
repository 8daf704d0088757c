package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestDirect downloads a module that no proxy has: the go command runs git.
func TestDirect(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	empty := modproxy.Start(t, a, nil, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, nil, empty)
	repo := newRepository(t)
	env := append(w.Env[:len(w.Env):len(w.Env)], "GOPROXY="+empty.URL+",direct", "HOME="+t.TempDir(),
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+repo+".insteadOf", "GIT_CONFIG_VALUE_0=https://example.test/repo")
	r := startTracing(t, command{args: []string{"go", "mod", "download", "example.test/repo.git@v1.0.0"}, dir: w.Dir, env: env}).wait()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
	}
	// The requests to git, logged by git itself.
	want := []string{"ls-remote", "fetch"}
	var exits int
	for _, e := range r.stream.Of("process") {
		var p struct {
			PPID     int
			Exe      string
			Args     []string
			Duration *float64 `json:"duration_ms"`
		}
		if err := json.Unmarshal([]byte(e.Raw), &p); err != nil {
			t.Fatal(err)
		}
		if filepath.Base(p.Exe) != "git" {
			if p.Args != nil {
				t.Errorf("arguments of %s: %s", p.Exe, e.Raw)
			}
			continue
		}
		if e.Action == "exit" {
			exits++
			if p.Duration == nil || *p.Duration <= 0 {
				t.Errorf("no duration: %s", e.Raw)
			}
		}
		if e.Action == "exec" && len(p.Args) > 1 && p.Args[0] == "git" {
			want = slices.DeleteFunc(want, func(s string) bool { return slices.Contains(p.Args, s) })
		}
	}
	if len(want) > 0 || exits == 0 {
		t.Errorf("git was not seen to %s; %d exits", strings.Join(want, ", "), exits)
	}
}

// newRepository makes a git repository with the module example.test/repo.git.
func newRepository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.test/repo.git\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "."},
		{"-c", "user.name=test", "-c", "user.email=test@example.test", "commit", "-q", "-m", "first"},
		{"tag", "v1.0.0"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return dir
}
