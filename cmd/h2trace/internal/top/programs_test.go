package top

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// waits is set in the environment of the program that TestPrograms runs.
const waits = "H2TRACE_TEST_WAITS"

// TestPrograms finds a Go program that runs, beside a program of another language.
func TestPrograms(t *testing.T) {
	if os.Getenv(waits) != "" {
		_, _ = os.Stdout.WriteString("ready\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "go-program")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{program, "-test.run=^TestPrograms$"}, {"sh", "-c", "echo ready; read end"}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), waits+"=1")
		_, stdout := child.Hold(t, cmd)
		if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
			t.Fatalf("%q: %q, %v", args, line, err)
		}
	}
	names := Programs()
	for _, want := range []string{"go", "gopls", "go-program"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not in %q", want, names)
		}
	}
	for _, name := range names {
		if name == "sh" || name == "dash" || name == "bash" {
			t.Errorf("%s is in %q", name, names)
		}
	}
}
