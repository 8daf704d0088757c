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
	"h2trace/cmd/h2trace/internal/testkit/child"
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
// has no other capabilities than it needs, in no set, and a filter of system calls. The threads that
// parse have none.
func TestRightsGivenUp(t *testing.T) {
	needProbes(t)
	running := startProgram(t, fetch, "-")
	script := []string{"sh", "-c", "echo ready; read -r line; true"}
	pid := []string{"-p", strconv.Itoa(running.pid)}
	unlocked := slices.Concat(withoutCapabilities(t, []string{"CAP_IPC_LOCK", "CAP_SYS_RESOURCE"}), []string{bin(t, "h2trace")}, pid)
	tests := []struct {
		name    string
		c       command
		more    []cap.Value
		parsers int
	}{
		{"command", command{args: script}, []cap.Value{cap.KILL}, 1},
		{"pid", command{flags: pid}, nil, 1},
		{"name", command{flags: []string{"-n", "nobody-runs-this"}}, nil, 1},
		{"calls", command{flags: append(pid, "--source", "calls")}, nil, 1},
		{"packets", command{flags: []string{"--pcap", t.TempDir() + "/packets"}, args: script}, []cap.Value{cap.KILL}, 2},
		{"not locked", command{wrap: unlocked}, nil, 1},
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
			var locking []cap.Value
			if tt.c.wrap == nil {
				locking = lockingTakes(t)
			}
			parsers := parsersOf(t, tr.cmd.Process.Pid, 2, tt.parsers)
			wantRights(t, tr.cmd.Process.Pid, slices.Concat(following, tt.more, locking), parsers, locking)
			wantRights(t, gatekeeper, []cap.Value{cap.SYS_ADMIN, cap.DAC_READ_SEARCH}, nil, nil)
			if tt.c.args == nil {
				tr.signal(syscall.SIGINT)
			}
			if r := tr.good(); strings.Contains(r.stderr, "keeps rights") {
				t.Errorf("messages\n%s", indent(messagesOf(r.stderr)))
			}
		})
	}
}

// TestRightsOfReaders has each command that reads files read from a pipe. The thread that does has no
// capability, in no set.
func TestRightsOfReaders(t *testing.T) {
	for _, args := range [][]string{{"replay"}, {"report"}, {"convert", "har"}} {
		t.Run(args[0], func(t *testing.T) {
			cmd := exec.Command(bin(t, "h2trace"), args...)
			stdin, _ := child.Hold(t, cmd)
			for _, thread := range parsersOf(t, cmd.Process.Pid, 0, 1) {
				b, err := os.ReadFile(thread + "/status")
				if got := regexp.MustCompile(`Cap(Inh|Prm|Eff|Amb):\t0{16}\n`).FindAll(b, -1); err != nil || len(got) != 4 {
					t.Errorf("what reads has rights, %v\n%s", err, b)
				}
			}
			_ = stdin.Close()
			_ = cmd.Wait() // there was no event
		})
	}
}

// lockingTakes returns what it takes to lock memory: where the limit stays, CAP_IPC_LOCK in each thread
// that maps some.
func lockingTakes(t *testing.T) []cap.Value {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max == unix.RLIM_INFINITY || rights.Has(cap.SYS_RESOURCE) {
		return nil
	}
	return []cap.Value{cap.IPC_LOCK}
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
		t.Fatalf("%s counts no filters:\n%s", process, b)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// parsersOf returns the directories of the threads of a process that have one filter more than the
// others, which have some: those that parse. It waits for as many as there are to be.
func parsersOf(t *testing.T, pid, filters, want int) (parsers []string) {
	t.Helper()
	await(t, "the threads that parse", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		if err != nil || len(threads) == 0 {
			t.Fatalf("process %d has no threads, %v", pid, err)
		}
		more := filtersOf(t, "self") + filters + 1
		parsers = slices.DeleteFunc(threads, func(thread string) bool {
			return filtersOf(t, strings.TrimPrefix(thread, "/proc/")) != more
		})
		return len(parsers) == want
	})
	return parsers
}

// wantRights requires that each thread of a process has some capabilities, and no other, may not get
// any, and has a filter, and that the process dumps no core. Those that parse have others.
func wantRights(t *testing.T, pid int, capabilities []cap.Value, parsers []string, ofParsers []cap.Value) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("process %d has no threads, %v", pid, err)
	}
	of := regexp.MustCompile(`(?m)^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|Seccomp):.*$`)
	for _, thread := range threads {
		b, err := os.ReadFile(thread + "/status")
		if os.IsNotExist(err) {
			continue
		}
		set := maskOf(capabilities)
		if slices.Contains(parsers, thread) {
			set = maskOf(ofParsers)
		}
		want := []string{
			"CapInh:\t0000000000000000", "CapPrm:\t" + set, "CapEff:\t" + set, "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
		}
		if diff := cmp.Diff(want, of.FindAllString(string(b), -1)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", thread, err, diff)
		}
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil || !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		t.Errorf("process %d may dump core: %v\n%s", pid, err, limits)
	}
}

// maskOf is a set of capabilities as /proc has it.
func maskOf(capabilities []cap.Value) string {
	var bits uint64
	for _, c := range capabilities {
		bits |= 1 << c
	}
	return fmt.Sprintf("%016x", bits)
}

// TestRightsListed has the lists of this test and of the program agree.
func TestRightsListed(t *testing.T) {
	if !slices.Equal(following, rights.Following()) {
		t.Errorf("h2trace keeps %v", rights.Following())
	}
}
