package gate

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"h2trace/bpf/mounts/cgrouptest"
)

// TestHeldInCgroup asks about the files that processes in a cgroup execute, and in one below, but
// not about those beside it.
func TestHeldInCgroup(t *testing.T) {
	needGate(t)
	top := cgrouptest.Make(t)
	name := filepath.Join(top, "held")
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
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	dir := ownFS(t)
	var a asked
	startGate(t, Options{Targets: newTargets(t), Only: dir, Cgroups: []string{link + "/"}, Attach: a.attach})
	var want []fileID
	for i, group := range append(groups, filepath.Dir(top)) {
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

// TestHeldInNamespace does the same in a cgroup namespace, as in a container.
func TestHeldInNamespace(t *testing.T) {
	needGate(t)
	dir, err := os.Open(cgrouptest.Make(t))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestHeldInCgroup$", "-test.v")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd()), Unshareflags: syscall.CLONE_NEWCGROUP}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestHeldInCgroup")) {
		t.Errorf("%v\n%s", err, out)
	}
}
