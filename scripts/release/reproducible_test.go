package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestReproducible makes the release again, in another directory, later, on a host of another
// name, by a user with other settings. All files have the same bytes.
func TestReproducible(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to change the name of the host")
	}
	need(t, "unshare", "hostname")
	first := released(t)
	clone := filepath.Join(t.TempDir(), "another clone")
	output(t, "git", "clone", "--quiet", root, clone)
	cmd := exec.Command("unshare", "--uts", "bash", "-c", `hostname another && umask 077 && exec scripts/release/run -o out "$@"`, "bash")
	if !full {
		cmd.Args = append(cmd.Args, "-arch", "amd64")
	}
	cmd.Dir = clone
	cmd.Env = append(os.Environ(), "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "HOME="+t.TempDir(), "USER=another",
		"GOFLAGS=-buildvcs=false -tags=another", "GOAMD64=v2", "CGO_ENABLED=1", "GOOS=windows",
		"GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOPROXY="+goEnv(t, "GOPROXY"), "GOSUMDB="+goEnv(t, "GOSUMDB"))
	if full {
		cmd.Env = append(cmd.Env, "GOCACHE="+t.TempDir())
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range names(t, first) {
		if a, b := sum(t, filepath.Join(first, name)), sum(t, filepath.Join(clone, "out", name)); a != b {
			t.Errorf("%s: %s, and again %s", name, a, b)
		}
	}
	if a, b := names(t, first), names(t, filepath.Join(clone, "out")); len(a) != len(b) {
		t.Errorf("files %q, and again %q", a, b)
	}
}
