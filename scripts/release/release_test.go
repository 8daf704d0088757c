package release

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// need skips a test without the programs that it runs.
func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err.Error() + "; scripts/setup installs it")
		}
	}
}

// output runs a program, and returns its stdout.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, stderr.String())
	}
	return string(out)
}

// dir is where the release is, for all tests.
var dir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if dir, err = os.MkdirTemp("", "h2trace-release-"); err != nil {
			panic(err)
		}
		status := m.Run()
		if err := os.RemoveAll(dir); err != nil {
			panic(err)
		}
		return status
	}())
}

// full says that all of the release is made and compared, and compiled again. Else it is
// that of amd64, and the second is linked from what the first has compiled.
var full = os.Getenv("H2TRACE_MATRIX") != ""

// archs returns those of the release that is tested.
func archs() []string {
	if full {
		return []string{"amd64", "arm64"}
	}
	return []string{"amd64"}
}

var clone = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("git", "clone", "--quiet", "../..", filepath.Join(dir, "clone")).CombinedOutput()
	return string(out), err
})

// cloned returns a clone of the repository as it was when the first test began: commits that are
// made while the tests run do not matter.
func cloned(t testing.TB) string {
	t.Helper()
	need(t, "git")
	if out, err := clone(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	return filepath.Join(dir, "clone")
}

var release = sync.OnceValues(func() (string, error) {
	cmd := exec.Command(filepath.Join(dir, "clone/scripts/release/run"), "-arch", strings.Join(archs(), ","), "-o", filepath.Join(dir, "dist"))
	out, err := cmd.CombinedOutput()
	return string(out), err
})

// released makes the release once, and returns its directory.
func released(t testing.TB) string {
	t.Helper()
	need(t, "dpkg-deb")
	cloned(t)
	if out, err := release(); err != nil {
		t.Fatalf("scripts/release/run: %v\n%s", err, out)
	}
	return filepath.Join(dir, "dist")
}

// file returns the one file of the release that a pattern matches.
func file(t testing.TB, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(released(t), pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found[0]
}

// commit returns what git prints of the commit that is released.
func commit(t testing.TB, format string) string {
	t.Helper()
	return strings.TrimSpace(output(t, "git", "-C", cloned(t), "log", "-1", "--format="+format))
}
