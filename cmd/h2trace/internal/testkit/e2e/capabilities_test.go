package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// without runs h2trace as root without some capabilities.
func without(t *testing.T, capabilities []string, args ...string) ran {
	t.Helper()
	return invoke(t, invocation{wrap: withoutCapabilities(t, capabilities), args: args})
}

// withoutCapabilities is what runs a program without capabilities.
func withoutCapabilities(t testing.TB, capabilities []string) []string {
	t.Helper()
	var drop []string
	for _, name := range capabilities {
		drop = append(drop, "-"+strings.ToLower(strings.TrimPrefix(name, "CAP_")))
	}
	return []string{needTool(t, "setpriv"), "--bounding-set=" + strings.Join(drop, ","), "--"}
}

// TestCapabilityRows takes away what each row of the table of README.md is about, and what includes it.
// What the row says happens. TestNotAllowed is that of CAP_SYS_ADMIN, TestFreshWithoutLease that of
// CAP_LEASE.
func TestCapabilityRows(t *testing.T) {
	needProbes(t)
	rows := map[string]func(t *testing.T){
		"CAP_BPF":             func(t *testing.T) { wantNoStart(t, "CAP_BPF", "CAP_SYS_ADMIN") },
		"CAP_PERFMON":         func(t *testing.T) { wantNoStart(t, "CAP_PERFMON", "CAP_SYS_ADMIN") },
		"CAP_SYS_PTRACE":      func(t *testing.T) { wantNoStart(t, "CAP_SYS_PTRACE") },
		"CAP_DAC_READ_SEARCH": withoutReading,
		"CAP_NET_ADMIN":       withoutPackets,
		"CAP_SYS_ADMIN":       nil,
		"CAP_SYS_NICE":        withoutPriority,
		"CAP_LEASE":           nil,
		"CAP_KILL":            withoutSignals,
		"CAP_IPC_LOCK":        withoutLocking,
		"CAP_DAC_OVERRIDE":    withoutFilesOfOthers,
		"CAP_CHOWN":           nil, // that is for a file of -u which CAP_DAC_OVERRIDE lets h2trace make
	}
	names := tableCapabilities(t, nil)
	for _, name := range names {
		row, ok := rows[name]
		if !ok {
			t.Errorf("the row of %s has no test", name)
		}
		if row != nil {
			t.Run(name, row)
		}
	}
	for name := range rows {
		if !slices.Contains(names, name) {
			t.Errorf("the table has no row of %s", name)
		}
	}
}

// withoutLocking reads how much memory h2trace has locked.
func withoutLocking(t *testing.T) {
	locked := func(wrap []string) bool {
		limited := slices.Concat([]string{needTool(t, "prlimit"), "--memlock=65536:65536", "--"}, wrap)
		r := invoke(t, invocation{wrap: limited, args: []string{"-q", "-o", t.TempDir() + "/events", "sh", "-c", "grep VmLck /proc/$PPID/status"}})
		if r.status != 0 {
			t.Fatalf("status %d\n%s", r.status, indent(r.stderr))
		}
		return !strings.Contains(r.stdout, " 0 kB")
	}
	if !locked(nil) {
		t.Error("with it, h2trace locks no memory")
	}
	if locked(withoutCapabilities(t, []string{"CAP_IPC_LOCK", "CAP_SYS_RESOURCE"})) { // the second lifts the limit
		t.Error("without, it does")
	}
}

func wantNoStart(t *testing.T, capabilities ...string) {
	ranFile := t.TempDir() + "/ran"
	without(t, capabilities, "touch", ranFile).wantRefusal(t, 125, capabilities[0]+": not held")
	if _, err := os.Stat(ranFile); err == nil {
		t.Error("COMMAND was run")
	}
}

// withoutReading has a program that only its user can read.
func withoutReading(t *testing.T) {
	s, client := nobodysSite(t)
	if err := os.Chown(client, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(client, 0o700); err != nil {
		t.Fatal(err)
	}
	args := []string{"-u", strconv.Itoa(nobody), "-e", "process,exchange", client, s.url + "/private"}
	observed := func(r ran) bool { return strings.Contains(r.stdout, `"action":"attached"`) }
	r := invoke(t, invocation{args: args, env: s.env})
	if r.status != 0 || !observed(r) {
		t.Errorf("with it: status %d\n%s", r.status, indent(r.stderr))
	}
	r = invoke(t, invocation{
		wrap: withoutCapabilities(t, []string{"CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"}), args: args, env: s.env,
	})
	if observed(r) || !strings.Contains(r.stderr, "permission denied") {
		t.Errorf("without: status %d\n%s\n%s", r.status, indent(r.stdout), indent(r.stderr))
	}
}

func withoutPackets(t *testing.T) {
	s := startSite(t)
	r := invoke(t, invocation{
		wrap: withoutCapabilities(t, []string{"CAP_NET_ADMIN", "CAP_SYS_ADMIN"}), env: s.env, args: []string{fetch.path(t), s.url + "/calls"},
	})
	if r.status != 0 || !strings.Contains(r.stderr, "bytes are taken from calls") {
		t.Errorf("status %d\n%s", r.status, indent(r.stderr))
	}
	wantPaths(t, r.stream(t), []string{"/calls"}, "/calls")
}

// withoutPriority reads the nice value of the gatekeeper.
func withoutPriority(t *testing.T) {
	nice := func(wrap []string) int {
		script := fmt.Sprintf(`for p in /proc/[0-9]*; do read -r line <$p/stat && case $line in *"(h2trace-gate) "?" $PPID "*) echo "$line"; esac; done 2>%s`, os.DevNull)
		r := invoke(t, invocation{wrap: wrap, args: []string{"-q", "-o", t.TempDir() + "/events", "sh", "-c", script}})
		_, fields, _ := strings.Cut(r.stdout, ") ")
		list := strings.Fields(fields)
		if len(list) < 17 {
			t.Fatalf("no gatekeeper: %q\n%s", r.stdout, indent(r.stderr))
		}
		n, err := strconv.Atoi(list[16]) // nice is field 19 of proc_pid_stat(5)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := nice(nil); n >= 0 {
		t.Errorf("with it: nice %d", n)
	}
	if n := nice(withoutCapabilities(t, []string{"CAP_SYS_NICE"})); n < 0 {
		t.Errorf("without: nice %d", n)
	}
}

// withoutSignals sends SIGTERM to h2trace, whose COMMAND has another user.
func withoutSignals(t *testing.T) {
	// bash may take a signal just before it blocks in read(2), and runs the trap after it.
	const script = "trap 'echo got; exit 7' TERM; echo ready; while read -r -t 1 line || test $? -gt 128; do :; done; exit 8"
	status := func(wrap []string) int {
		argv := slices.Concat(wrap, []string{bin(t, "h2trace"), "-q", "-o", t.TempDir() + "/events", "-u", strconv.Itoa(nobody), "bash", "-c", script})
		cmd := exec.Command(argv[0], argv[1:]...)
		stdin, stdout := child.Hold(t, cmd)
		line := make([]byte, len("ready\n"))
		if _, err := stdout.Read(line); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if wrap == nil {
			_, _ = stdout.Read(line) // COMMAND got it, and ends
		}
		await(t, "the signal to be taken", func() bool { return !pending(t, cmd.Process.Pid) })
		_, _ = stdin.Write([]byte("\n"))
		_ = stdin.Close()
		_ = cmd.Wait() // its status says how
		return cmd.ProcessState.ExitCode()
	}
	if got := status(nil); got != 7 {
		t.Errorf("with it: COMMAND ended with status %d", got)
	}
	if got := status(withoutCapabilities(t, []string{"CAP_KILL"})); got != 8 {
		t.Errorf("without: COMMAND ended with status %d", got)
	}
}

// pending reports whether a signal waits for a process.
func pending(t *testing.T, pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(b), "\nShdPnd:\t0000000000000000\n")
}

// withoutFilesOfOthers rotates a file in a directory of another user.
func withoutFilesOfOthers(t *testing.T) {
	reopen := func(wrap []string) string {
		dir := t.TempDir()
		events, log := filepath.Join(dir, "events.jsonl"), filepath.Join(t.TempDir(), "stderr.log")
		stderr, err := os.Create(log)
		if err != nil {
			t.Fatal(err)
		}
		defer stderr.Close()
		if err := firstError(os.WriteFile(events, nil, 0o600), func() error { return os.Chown(dir, nobody, nobody) }); err != nil {
			t.Fatal(err)
		}
		argv := slices.Concat(wrap, []string{bin(t, "h2trace"), "-n", "nobody-runs-this", "-o", events})
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stderr, cmd.SysProcAttr = stderr, &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = cmd.Wait() }()
		defer func() { _ = cmd.Process.Signal(syscall.SIGTERM) }()
		awaitFilter(t, cmd.Process.Pid)
		if err := os.Rename(events, events+".old"); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		said := ""
		await(t, "the reopening", func() bool {
			b, err := os.ReadFile(log)
			said = string(b)
			return err != nil || strings.Contains(said, events)
		})
		return said
	}
	if said := reopen(nil); !strings.Contains(said, "SIGHUP: opened") {
		t.Errorf("with it:\n%s", indent(said))
	}
	if said := reopen(withoutCapabilities(t, []string{"CAP_DAC_OVERRIDE"})); !strings.Contains(said, "events go on into the old file") {
		t.Errorf("without:\n%s", indent(said))
	}
}
