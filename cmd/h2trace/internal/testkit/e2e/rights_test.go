package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"

	"h2trace/bpf/rights"
)

// statusInherited are the lines of /proc/PID/status that a process has from the one that started it.
var statusInherited = regexp.MustCompile(`(?m)^(Cap.*|NoNewPrivs|Seccomp.*|Uid|Gid|Groups|Sig(Blk|Ign)|Shd.*|Speculation.*|Umask|Cpus_allowed|Mems_allowed|CoreDumping|THP_enabled):.*$`)

// TestCommandInheritsNothing has a command print its rights and limits, with h2trace and without.
func TestCommandInheritsNothing(t *testing.T) {
	needProbes(t)
	const script = "cat /proc/self/status; echo; cat /proc/self/limits /proc/self/oom_score_adj; stat -c %U /proc/self/mem"
	of := func(out string) string {
		status, rest, _ := strings.Cut(out, "\n\n")
		return strings.Join(statusInherited.FindAllString(status, -1), "\n") + rest
	}
	plain, err := exec.Command("sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	r := invoke(t, invocation{args: []string{"-q", "-o", t.TempDir() + "/events", "sh", "-c", script}})
	if diff := cmp.Diff(of(string(plain)), of(r.stdout)); diff != "" || len(plain) == 0 {
		t.Errorf("COMMAND has other rights or limits (-without +with h2trace):\n%s", diff)
	}
}

// following are the capabilities that h2trace keeps, as README.md has them.
var following = []cap.Value{cap.BPF, cap.PERFMON, cap.SYS_PTRACE, cap.DAC_READ_SEARCH, cap.LEASE}

// TestRightsGivenUp has h2trace observe in each mode. Then each thread of it, and of its gatekeeper,
// has no other capabilities than it needs, in no set, and a filter of system calls.
func TestRightsGivenUp(t *testing.T) {
	needProbes(t)
	running := startProgram(t, fetch, "-")
	tests := []struct {
		name string
		c    command
		more []cap.Value
	}{
		{"command", command{args: []string{"sh", "-c", "echo ready; read -r line; true"}}, []cap.Value{cap.KILL}},
		{"pid", command{flags: []string{"-p", strconv.Itoa(running.pid)}}, nil},
		{"name", command{flags: []string{"-n", "nobody-runs-this"}}, nil},
		{"calls", command{flags: []string{"-p", strconv.Itoa(running.pid), "--source", "calls"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := startTracing(t, tt.c)
			if tt.c.args != nil {
				tr.line()
			} else {
				awaitFilter(t, tr.cmd.Process.Pid)
			}
			gatekeeper := gatekeeperOf(tr.cmd.Process.Pid)
			wantRights(t, tr.cmd.Process.Pid, slices.Concat(following, tt.more))
			wantParser(t, tr.cmd.Process.Pid)
			wantRights(t, gatekeeper, []cap.Value{cap.SYS_ADMIN, cap.DAC_READ_SEARCH})
			if tt.c.args == nil {
				tr.signal(syscall.SIGINT)
			}
			if r := tr.good(); strings.Contains(r.stderr, "keeps rights") {
				t.Errorf("messages\n%s", indent(messagesOf(r.stderr)))
			}
		})
	}
}

// awaitFilter waits until a process has its filter of system calls, which it sets last.
func awaitFilter(t *testing.T, pid int) {
	t.Helper()
	own := filtersOf(t, "self")
	await(t, "the filter of system calls", func() bool { return filtersOf(t, strconv.Itoa(pid)) == own+2 })
}

// filtersOf returns how many filters of system calls a process has.
func filtersOf(t *testing.T, process string) int {
	t.Helper()
	b, err := os.ReadFile("/proc/" + process + "/status")
	if os.IsNotExist(err) || errors.Is(err, syscall.ESRCH) {
		return 0 // a thread that has ended
	}
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^Seccomp_filters:\s+(\d+)$`).FindSubmatch(b)
	if found == nil {
		t.Fatalf("/proc/%s/status counts no filters", process)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wantParser requires that one thread of a process has one filter more than the others: that which
// parses.
func wantParser(t *testing.T, pid int) {
	t.Helper()
	await(t, "the thread that parses", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		if err != nil || len(threads) < 2 {
			t.Fatalf("process %d has %d threads, %v", pid, len(threads), err)
		}
		more := 0
		for _, thread := range threads {
			if n := filtersOf(t, strings.TrimPrefix(thread, "/proc/")); n == filtersOf(t, "self")+3 {
				more++
			}
		}
		return more == 1
	})
}

// wantRights requires that each thread of a process has some capabilities, and no other, may not get
// any, and has a filter, and that the process dumps no core.
func wantRights(t *testing.T, pid int, capabilities []cap.Value) {
	t.Helper()
	var bits uint64
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur != unix.RLIM_INFINITY && !slices.Contains(capabilities, cap.SYS_ADMIN) { // not the gatekeeper
		bits |= 1 << cap.IPC_LOCK
	}
	for _, c := range capabilities {
		bits |= 1 << c
	}
	set := fmt.Sprintf("%016x", bits)
	want := []string{
		"CapInh:\t0000000000000000", "CapPrm:\t" + set, "CapEff:\t" + set, "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("process %d has no threads, %v", pid, err)
	}
	of := regexp.MustCompile(`(?m)^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|Seccomp):.*$`)
	for _, file := range threads {
		b, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue
		}
		if diff := cmp.Diff(want, of.FindAllString(string(b), -1)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", file, err, diff)
		}
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil || !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		t.Errorf("process %d may dump core: %v\n%s", pid, err, limits)
	}
}

// TestRightsListed has the lists of this test and of the program agree.
func TestRightsListed(t *testing.T) {
	if !slices.Equal(following, rights.Following()) {
		t.Errorf("h2trace keeps %v", rights.Following())
	}
}
