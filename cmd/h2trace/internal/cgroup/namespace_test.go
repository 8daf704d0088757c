package cgroup

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf/mounts"
	"h2trace/bpf/mounts/cgrouptest"
	"h2trace/cmd/h2trace/internal/testkit/child"
)

// insideEnv has the processes that the test looks at from within a namespace.
const insideEnv = "H2TRACE_TEST_INSIDE"

// seen is what h2trace finds of a process.
type seen struct {
	Container string
	Unknown   bool
	Dir       string   // of its cgroup
	Named     []string // by what /proc/PID/cgroup prints, given as --cgroup
}

func look(t *testing.T, pids []int) (list []seen) {
	t.Helper()
	in, err := mounts.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		m, err := Of(in, pid)
		if err != nil {
			t.Fatal(err)
		}
		named, err := Find([]string{m.Unified})
		if m.Unified != "/" && err != nil {
			t.Error(err)
		}
		if m.Unified == "/" { // is also a directory
			named = nil
		}
		list = append(list, seen{m.Container, m.Unknown, in.CgroupOf(pid), named})
	}
	return list
}

// sitIn starts a process in cgroups, which runs until the test ends.
func sitIn(t *testing.T, dirs ...string) int {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", enter + "echo in; exec cat", "sh"}, dirs...)...)
	_, stdout := child.Hold(t, cmd)
	if _, err := stdout.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// enter has a shell enter the cgroups that are its arguments.
const enter = `for dir; do echo $$ >"$dir/cgroup.procs" || exit; done; `

// TestNamespace looks at processes from within a cgroup namespace, whose root is a container: in
// it, below, beside and above. All is as it looks from outside.
func TestNamespace(t *testing.T) {
	if list := os.Getenv(insideEnv); list != "" {
		var pids []int
		if err := json.Unmarshal([]byte(list), &pids); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(look(t, pids))
		fmt.Println(string(b), err)
		return
	}
	beside := cgrouptest.Make(t) + "-ns"
	root := filepath.Dir(beside)
	hierarchies := map[string][]string{"cgroup v2": {root}}
	if v1, _ := filepath.Glob("/sys/fs/cgroup/pids/cgroup.procs"); len(v1) > 0 && filepath.Dir(v1[0]) != root {
		hierarchies["cgroup v1"] = []string{filepath.Dir(v1[0])}
		hierarchies["both"] = []string{root, filepath.Dir(v1[0])}
	}
	for name, roots := range hierarchies {
		t.Run(name, func(t *testing.T) {
			outer := filepath.Base(beside)
			node := outer + "/docker-" + a + ".scope"
			var pids []int
			dirs := func(group string) (list []string) {
				for _, root := range roots {
					list = append(list, filepath.Join(root, group))
				}
				return list
			}
			inside := node + "/kubepods/pod/" + b
			for _, group := range []string{outer, node, node + "/kubepods", node + "/kubepods/pod", inside, inside + "/init", node + "/kubepods/pod/beside"} {
				for _, dir := range dirs(group) {
					if err := os.Mkdir(dir, 0o755); err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() {
						if err := os.Remove(dir); err != nil {
							t.Error(err)
						}
					})
				}
			}
			for _, group := range []string{inside, inside + "/init", node + "/kubepods/pod/beside", node, outer} {
				pids = append(pids, sitIn(t, dirs(group)...))
			}
			list, err := json.Marshal(append(pids, os.Getpid()))
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sh", append([]string{"-c", enter + `exec unshare --cgroup /proc/` + strconv.Itoa(os.Getpid()) + `/exe -test.run='^TestNamespace$'`, "sh"}, dirs(inside)...)...)
			cmd.Env = append(os.Environ(), insideEnv+"="+string(list))
			out, err := cmd.CombinedOutput()
			first, _, _ := strings.Cut(string(out), "]"+" <nil>\n")
			var got []seen
			if jsonErr := json.Unmarshal([]byte(first+"]"), &got); err != nil || jsonErr != nil {
				t.Fatalf("%v, %v\n%s", err, jsonErr, out)
			}
			want := look(t, append(pids, os.Getpid()))
			for i := range want {
				if got[i].Named == nil || want[i].Named == nil {
					got[i].Named, want[i].Named = nil, nil
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("from within (-outside +within):\n%s", diff)
			}
			for i, id := range []string{b, b, a, a, "", ""} {
				if want[i].Container != id {
					t.Errorf("process %d is in container %q, want %q", i, want[i].Container, id)
				}
			}
		})
	}
}
