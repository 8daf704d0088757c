package pin

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// lastCore returns the last core that this process may use.
func lastCore(t *testing.T) int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	if set.Count() < 2 {
		t.Skip("needs two cores to tell one from another")
	}
	last := 0
	for cpu := range 64 * len(set) {
		if set.IsSet(cpu) {
			last = cpu
		}
	}
	return last
}

func allowed(t *testing.T, status []byte) string {
	_, rest, found := strings.Cut(string(status), "Cpus_allowed_list:")
	if !found {
		t.Fatalf("no list of cores in %q", status)
	}
	list, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(list)
}

// TestStart runs before TestProcess, which pins this process.
func TestStart(t *testing.T) {
	core := lastCore(t)
	var out strings.Builder
	cmd := exec.Command("cat", "/proc/self/status")
	cmd.Stdout = &out
	if err := Start(cmd, core); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, want := allowed(t, []byte(out.String())), strconv.Itoa(core); got != want {
		t.Errorf("got cores %s, want %s", got, want)
	}
	own, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		t.Fatal(err)
	}
	if got := allowed(t, own); got == strconv.Itoa(core) {
		t.Error("the caller was pinned too")
	}
}

func TestProcess(t *testing.T) {
	core := lastCore(t)
	if err := Process(core); err != nil {
		t.Fatal(err)
	}
	threads, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(threads) == 0 {
		t.Fatalf("got %d threads, %v", len(threads), err)
	}
	for _, name := range threads {
		status, err := os.ReadFile(name)
		if err != nil {
			continue // the thread ended
		}
		if got, want := allowed(t, status), strconv.Itoa(core); got != want {
			t.Errorf("%s: got cores %s, want %s", name, got, want)
		}
	}
}
