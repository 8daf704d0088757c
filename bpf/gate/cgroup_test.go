package gate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"h2trace/bpf/mounts"
)

// TestHeldInCgroup asks about the files that processes in a cgroup execute, and in one below, but
// not about those beside it.
func TestHeldInCgroup(t *testing.T) {
	needGate(t)
	root, err := mounts.Cgroup2()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, fmt.Sprintf("h2trace-gate-%d", os.Getpid()))
	groups := []string{name, name + "/below", name + "-beside"}
	for _, group := range groups {
		if err := os.Mkdir(group, 0o755); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := os.Remove(group); err != nil {
				t.Error(err)
			}
		}()
	}
	dir := ownFS(t)
	var a asked
	startGate(t, Options{Targets: newTargets(t), Only: dir, Cgroups: []string{name + "/"}, Attach: a.attach})
	var want []fileID
	for i, group := range append(groups, root) {
		file := trueIn(t, dir, fmt.Sprint("true", i))
		if i < 2 {
			want = append(want, idOf(t, file))
		}
		script := `echo $$ >"$1/cgroup.procs" && exec "$2"`
		if out, err := exec.Command("sh", "-c", script, "sh", group, file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if got := a.list(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("asked about %d files, want those of the cgroup", len(got))
	}
}
