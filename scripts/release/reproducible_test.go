package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReproducible makes the release again, in another directory, later, on a host of another
// name, by a user with other settings, in a work tree with files that are not committed. All files
// have the same bytes.
func TestReproducible(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to change the name of the host")
	}
	need(t, "unshare", "hostname")
	first := released(t)
	clone := filepath.Join(t.TempDir(), "another clone")
	output(t, "git", "clone", "--quiet", cloned(t), clone)
	litter(t, clone)
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[core]\n\tautocrlf = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--uts", "bash", "-c", `hostname another && umask 077 && exec scripts/release/run -o out "$@"`, "bash")
	if !full {
		cmd.Args = append(cmd.Args, "-arch", "amd64")
	}
	cmd.Dir = clone
	cmd.Env = append(os.Environ(), "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "HOME="+home, "USER=another",
		"GOFLAGS=-buildvcs=false -tags=another", "GOAMD64=v2", "CGO_ENABLED=1", "GOOS=windows",
		"GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOPROXY="+goEnv(t, "GOPROXY"), "GOSUMDB="+goEnv(t, "GOSUMDB"))
	if full {
		cmd.Env = append(cmd.Env, "GOCACHE="+t.TempDir())
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "what is not committed is not in the release"; !strings.Contains(string(out), want) {
		t.Errorf("it does not say %q:\n%s", want, out)
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

// litter changes, adds and ignores files of a work tree that a release is made of, and commits
// none of it.
func litter(t *testing.T, tree string) {
	t.Helper()
	for name, text := range map[string]string{
		"go.mod":                            "go 1.18\n",
		"go.work":                           "go 1.99\n",
		"LICENSE":                           "another\n",
		"scripts/release/build":             "exit 9\n",
		"scripts/release/files.bash":        "exit 9\n",
		"scripts/release/nfpm.yaml":         "name: another\n",
		"scripts/release/h2trace.service":   "another\n",
		"scripts/release/tools/go.mod":      "another\n",
		"scripts/release/service/preremove": "another\n",
		"cmd/h2trace/doc.go":                "package another\n",
		"cmd/h2trace/added.go":              "package another\n",
		"cmd/h2trace/ignored.go":            "package another\n",
		"vendor/modules.txt":                "another\n",
		"bin/release/nfpm":                  "#!/bin/false\n",
		".git/info/exclude":                 "ignored.go\n",
	} {
		file := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
