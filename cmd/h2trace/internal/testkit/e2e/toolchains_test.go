package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/scripts/goreleases"
)

// TestToolchains downloads modules with the go command of other releases.
func TestToolchains(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := append(modproxy.Graph("example.test/graph", 12, 3, 3000), modproxy.Modules("example.test/big", 2, 2<<20)...)
	s := modproxy.Start(t, a, mods, modproxy.Options{})
	for _, version := range goreleases.Few {
		t.Run(version, func(t *testing.T) {
			root := toolchain(t, version)
			w := modproxy.NewWorkspace(t, a, []modproxy.Module{mods[0], mods[12], mods[13]}, s)
			w.Env = append(w.Env, "GOROOT="+root)
			r := startTracing(t, command{
				flags: []string{"--verify"},
				args:  []string{filepath.Join(root, "bin", "go"), "mod", "download", "all"}, dir: w.Dir, env: debugEnv(w.Env),
			}).wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			checkVerified(t, r, verify(t, r, atExit))
			for _, e := range r.stream.Of("process") {
				if e.Action == "attached" && !strings.Contains(e.Raw, `"go_version":"`+version+`"`) {
					t.Errorf("attached to another release: %s", e.Raw)
				}
			}
		})
	}
}

// toolchain returns the GOROOT of a release, which the go command fetches
// from the configured GOPROXY unless it is there already.
func toolchain(t *testing.T, version string) string {
	t.Helper()
	_, hosts := configuration(t)
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+version)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		reason := stderr.String()
		for _, h := range hosts {
			reason = strings.ReplaceAll(reason, h, "goproxy.example")
		}
		t.Skip(version + " is not to be had here: " + reason)
	}
	return strings.TrimSpace(string(out))
}
