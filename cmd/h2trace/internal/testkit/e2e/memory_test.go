package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// memoryCgroup makes a cgroup with a limit of memory, and returns what enters it and then executes
// its arguments. The cgroup is gone after the test.
func memoryCgroup(t *testing.T, limit string) (enter []string) {
	t.Helper()
	for _, at := range []struct{ root, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"}, {"/sys/fs/cgroup/unified", "memory.max"},
	} {
		dir, err := os.MkdirTemp(at.root, "h2trace-memory-")
		if err != nil {
			continue
		}
		t.Cleanup(func() {
			await(t, dir+" to be empty", func() bool { return os.Remove(dir) == nil })
		})
		if os.WriteFile(filepath.Join(dir, at.file), []byte(limit), 0) == nil {
			return []string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, dir}
		}
	}
	t.Skip("no cgroup here limits memory")
	return nil
}

// TestMemoryLimit observes where a cgroup has little memory: with a smaller buffer, or not at all.
// The kernel ends nothing.
func TestMemoryLimit(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	for _, tt := range []struct {
		name, limit string
		status      int
		said        string
	}{
		{"enough", "256M", 0, ""},
		{"smaller buffer", "64M", 0, "h2trace: --buffer is 8MiB and not 16MiB: /sys/fs/cgroup/"},
		{"too little", "32M", 125, "h2trace: observing needs 49MiB of memory, and /sys/fs/cgroup/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events := filepath.Join(t.TempDir(), "events")
			r := invoke(t, invocation{wrap: memoryCgroup(t, tt.limit), args: []string{"--output=" + events, fetch.path(t), s.url + "/text"}, env: s.env})
			if r.status != tt.status || !strings.Contains(r.stderr, tt.said) {
				t.Fatalf("status %d, want %d and %q\n%s", r.status, tt.status, tt.said, indent(r.stderr))
			}
			if said := strings.Contains(r.stderr, "--buffer is"); tt.status == 0 && (said != (tt.said != "") || lines(events, `"event":"summary"`) != 1) {
				t.Errorf("no summary, or of the buffer it says\n%s", indent(r.stderr))
			}
		})
	}
}

// TestAddressSpace has too little address space for the Go runtime (RLIMIT_AS).
func TestAddressSpace(t *testing.T) {
	r := invoke(t, invocation{wrap: []string{"sh", "-c", `ulimit -v 1900000 && exec "$@"`, "sh"}, args: []string{"true"}})
	if want := "h2trace: observing needs 1932MiB of address space, and the limit is 1855MiB: raise it with ulimit -v\n"; r.status != 125 || r.stderr != want {
		t.Errorf("status %d, want 125 and %q\n%s", r.status, want, indent(r.stderr))
	}
}
