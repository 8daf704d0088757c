package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"h2trace/bpf/mounts/cgrouptest"
	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/export"
)

// TestContainerOfEnded asks for the containers of processes that have ended. They are known if
// another process in the same cgroup was seen before, and no process has moved meanwhile.
func TestContainerOfEnded(t *testing.T) {
	top := cgrouptest.Make(t)
	id := strings.Repeat("ab", 32)
	dir := filepath.Join(top, "docker-"+id+".scope")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	cmd := exec.Command("sh", "-c", "echo $$ >"+dir+"/cgroup.procs && echo in && exec cat")
	_, stdout := child.Hold(t, cmd)
	if _, err := stdout.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	inode := func(dir string) uint64 {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Ino
	}
	in, above := inode(dir), inode(filepath.Dir(top))
	runs, gone := func(*Process) bool { return true }, func(*Process) bool { return false }
	living, ended := &Process{PID: cmd.Process.Pid}, &Process{PID: 1 << 30}
	known, unknown := export.Container{ID: id}, export.Container{Unknown: true}
	var c containers
	for i, step := range []struct {
		p      *Process
		cgroup uint64
		is     func(*Process) bool
		want   export.Container
	}{
		{ended, in, gone, unknown},
		{living, above, runs, known}, // it was moved after its exec
		{ended, above, gone, unknown},
		{living, in, gone, unknown}, // another process has its id
		{ended, in, gone, unknown},
		{living, in, runs, known},
		{ended, in, gone, known},
		{ended, above, gone, unknown},
		{ended, 0, gone, unknown},
	} {
		if got := c.of(step.p, step.cgroup, step.is); got != step.want {
			t.Errorf("step %d: got %+v, want %+v", i, got, step.want)
		}
	}
}
