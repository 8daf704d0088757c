// Package cgrouptest makes cgroups for tests.
package cgrouptest

import (
	"os"
	"testing"

	"h2trace/bpf/mounts"
)

// Make returns the directory of a new cgroup below the root of cgroup v2, which is removed when the
// test ends. It skips a test that may make none.
func Make(t testing.TB) string {
	t.Helper()
	root, err := mounts.Cgroup2()
	if err != nil {
		t.Skip(err)
	}
	dir, err := os.MkdirTemp(root, "h2trace-test-")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
