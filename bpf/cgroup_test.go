//go:build linux

package bpf

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/bpf/mounts/cgrouptest"
)

// TestCgroups runs programs in a cgroup that is observed: of them, children of the observer are no
// targets, as those that it starts to work for it.
func TestCgroups(t *testing.T) {
	dir := cgrouptest.Make(t)
	c := newUnattached(t, Options{BufferSize: 1 << 20, Follow: true, Cgroups: []string{dir}})
	tests := t.TempDir()
	run := func(name, script string) {
		t.Helper()
		if err := os.Symlink("/bin/true", filepath.Join(tests, name)); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("sh", "-c", script, filepath.Join(dir, "cgroup.procs"), filepath.Join(tests, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	run("child", `echo $$ >"$0" && exec "$1"`)
	run("grandchild", `echo $$ >"$0" && "$1" && true`)
	run("outside", `"$1" && true`)
	var got []string
	readAll(t, c, func(e Event) {
		if e, ok := e.(*Exec); ok {
			got = append(got, filepath.Base(e.Filename))
		}
	})
	if strings.Join(got, " ") != "grandchild" {
		t.Errorf("executions %v, want that of the grandchild alone", got)
	}
}
