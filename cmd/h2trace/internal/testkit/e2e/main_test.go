package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// binDir is where the programs under test are built, once for all tests.
var binDir string

// builtEnv names a directory with these programs, for a machine without a Go toolchain.
const builtEnv = "H2TRACE_E2E_PROGRAMS"

func TestMain(m *testing.M) {
	child.HeedSignals()
	if d, err := time.ParseDuration(os.Getenv(patienceEnv)); err == nil {
		patience = d
	}
	if binDir = os.Getenv(builtEnv); binDir != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "h2trace-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binDir = dir
	status := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

var build = sync.OnceValues(func() (string, error) {
	if os.Getenv(builtEnv) != "" {
		return "", nil
	}
	out, err := exec.Command("go", "build", "-o", binDir+"/",
		"h2trace/cmd/h2trace", "h2trace/cmd/h2trace/internal/testkit/h2client", "h2trace/cmd/h2trace/internal/testkit/h2server",
		"h2trace/cmd/h2trace/internal/testkit/quicpeer", "h2trace/cmd/h2trace/internal/testkit/moduleproxy", "h2trace/scripts/degrade").CombinedOutput()
	return string(out), err
})

// bin returns the path of a program under test.
func bin(t testing.TB, name string) string {
	t.Helper()
	if out, err := build(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return filepath.Join(binDir, name)
}

var check = sync.OnceValues(func() (string, error) {
	out, err := exec.Command(filepath.Join(binDir, "h2trace"), "check").CombinedOutput()
	return string(out), err
})

// needProbes skips a test where the kernel or the user allows no probes.
func needProbes(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to attach probes")
	}
	bin(t, "h2trace")
	if out, err := check(); err != nil {
		t.Skipf("h2trace check says that run mode does not work here: %v\n%s", err, out)
	}
}

// patience bounds every wait for a program: far more than any of them needs, but in an
// emulated machine.
var patience = 90 * time.Second

// patienceEnv is a duration in its place.
const patienceEnv = "H2TRACE_E2E_PATIENCE"

// await polls until done, for conditions that have no channel.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// indent separates output of a program in a message.
func indent(s string) string {
	const most = 8 << 10
	if len(s) > most {
		s = "[…]" + s[len(s)-most:]
	}
	return "\t| " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n\t| ")
}
