package e2e

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user with no rights at all.
const nobody = 65534

// stripRights are the ways to run without the rights to observe.
func stripRights(t *testing.T) map[string]invocation {
	t.Helper()
	bin(t, "h2trace")
	if err := os.Chmod(binDir, 0o755); err != nil { // for nobody
		t.Fatal(err)
	}
	return map[string]invocation{
		"nobody":                {attr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}},
		"root without a right":  {wrap: []string{"setpriv", "--bounding-set", "-all", "--inh-caps", "-all"}},
		"root of its namespace": {attr: userNamespace()},
	}
}

// userNamespace is the situation of rootless containers: every capability is held,
// and none counts outside.
func userNamespace() *syscall.SysProcAttr {
	id := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: id, GidMappings: id}
}

func TestRefusedWithoutRights(t *testing.T) {
	needProbes(t)
	for name, who := range stripRights(t) {
		t.Run(name, func(t *testing.T) {
			ran := t.TempDir() + "/ran"
			who.args = []string{"touch", ran}
			invoke(t, who).wantRefusal(t, 125, "run as root")
			if _, err := os.Stat(ran); err == nil {
				t.Error("COMMAND was run")
			}
			who.args = []string{"-p", "1"}
			invoke(t, who).wantRefusal(t, 1, "run as root")

			who.args = []string{"check"}
			r := invoke(t, who)
			if r.status != 1 || r.stderr != "" {
				t.Errorf("check: status %d, stderr %q", r.status, r.stderr)
			}
			if !strings.Contains(r.stdout, "\nno  ") || !strings.Contains(r.stdout, "run as root") {
				t.Errorf("check names no fault, or no advice:\n%s", indent(r.stdout))
			}
		})
	}
}

// withoutBTF runs h2trace where the kernel shows no type information.
func withoutBTF(t *testing.T, args ...string) ran {
	return invoke(t, invocation{
		wrap: []string{"sh", "-c", `mount --bind "$0" /sys/kernel/btf && exec "$@"`, t.TempDir()},
		args: args,
		attr: &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS},
	})
}

func TestRefusedWithoutBTF(t *testing.T) {
	needProbes(t)
	withoutBTF(t, "true").wantRefusal(t, 125, "no BTF", "CONFIG_DEBUG_INFO_BTF")
	withoutBTF(t, "-p", "1").wantRefusal(t, 1, "no BTF", "CONFIG_DEBUG_INFO_BTF")
	r := withoutBTF(t, "check")
	if r.status != 1 || !strings.Contains(r.stdout, "no  BTF") || !strings.Contains(r.stdout, "CONFIG_DEBUG_INFO_BTF") {
		t.Errorf("check: status %d\n%s", r.status, indent(r.stdout))
	}
}

// TestRefusedInPIDNamespace runs h2trace where process ids are not those of the
// kernel, as in a container.
func TestRefusedInPIDNamespace(t *testing.T) {
	needProbes(t)
	inside := func(args ...string) ran {
		return invoke(t, invocation{wrap: []string{"unshare", "--pid", "--fork", "--mount-proc"}, args: args})
	}
	inside("true").wantRefusal(t, 125, "PID namespace", "on the host")
	inside("-p", "1").wantRefusal(t, 1, "PID namespace", "on the host")
	if r := inside("check"); r.status != 1 || !strings.Contains(r.stdout, "\nno  PID namespace") {
		t.Errorf("check: status %d\n%s", r.status, indent(r.stdout))
	}
}

func TestCheck(t *testing.T) {
	needProbes(t)
	r := invoke(t, invocation{args: []string{"check"}})
	if r.status != 0 || r.stderr != "" {
		t.Errorf("status %d, stderr %q", r.status, r.stderr)
	}
	for _, feature := range []string{
		"kernel", "BTF", "CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "ring buffer", "attach a uprobe", "PID namespace",
		"capabilities once it observes: CAP_BPF, CAP_PERFMON, ", "refuse itself harmful system calls", "confine its gatekeeper to reading files",
	} {
		if !strings.Contains("\n"+r.stdout, "\nok  "+feature) {
			t.Errorf("%s is not listed:\n%s", feature, indent(r.stdout))
		}
	}

	traceable, other := startProgram(t, fetch, "-"), startProgram(t, plain)
	r = invoke(t, invocation{args: []string{"check", "-p", join(traceable.pid, other.pid)}})
	for _, want := range []string{
		"ok  process " + strconv.Itoa(traceable.pid), "write: ", "read: ", "client_handshake: ",
		"no  process " + strconv.Itoa(other.pid), "no crypto/tls",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("check -p does not say %q:\n%s", want, indent(r.stdout))
		}
	}

	gone := strconv.Itoa(pidMax(t))
	r = invoke(t, invocation{args: []string{"check", "-p", gone}})
	if r.status != 1 || r.stderr != "h2trace: nothing to check: process "+gone+" does not exist\n" || !strings.Contains(r.stdout, "ok  kernel") {
		t.Errorf("check -p %s: status %d, stderr %q", gone, r.status, r.stderr)
	}
}

// TestRefusedProcesses passes processes in which there is nothing to observe.
func TestRefusedProcesses(t *testing.T) {
	needProbes(t)
	zombie := exec.Command("true")
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "a zombie", func() bool {
		stat, _ := os.ReadFile("/proc/" + strconv.Itoa(zombie.Process.Pid) + "/stat")
		return strings.Contains(string(stat), ") Z ")
	})
	defer func() { _ = zombie.Wait() }()
	sleep := exec.Command("sleep", "1000")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sleep.Process.Kill()
		_ = sleep.Wait() // killed, as intended
	}()

	type refused struct {
		name   string
		pid    int
		reason string
	}
	tests := []refused{
		{"unknown", pidMax(t), "does not exist"},
		{"kernel thread", 2, "kernel thread"},
		{"zombie", zombie.Process.Pid, "zombie"},
		{"not Go", sleep.Process.Pid, "not a Go binary"},
		{"no TLS", startProgram(t, plain).pid, "no crypto/tls"},
	}
	if no386(t) != nil {
		t.Run("32 bits", func(t *testing.T) { need386(t) })
	} else {
		tests = append(tests, refused{"32 bits", startProgram(t, plain386).pid, "32-bit"})
	}
	var all []int
	for _, tt := range tests {
		all = append(all, tt.pid)
		t.Run(tt.name, func(t *testing.T) {
			invoke(t, invocation{args: []string{"-p", strconv.Itoa(tt.pid)}}).wantRefusal(t, 1, strconv.Itoa(tt.pid), tt.reason)
		})
	}
	t.Run("all of them", func(t *testing.T) {
		r := invoke(t, invocation{args: []string{"-p", join(all...)}})
		for _, tt := range tests {
			r.wantRefusal(t, 1, strconv.Itoa(tt.pid), tt.reason)
		}
	})
	t.Run("and one that can be observed", func(t *testing.T) {
		good := startProgram(t, fetch, "-")
		tr := startTracing(t, command{flags: []string{"-p", join(append(all, good.pid)...)}})
		tr.awaitEvent(`"action":"attached"`, 1)
		tr.signal(syscall.SIGINT)
		r := tr.good()
		for _, tt := range tests {
			if e := ofPID(t, processEvents(r.stream, "skipped"), tt.pid); !strings.Contains(e.Reason, tt.reason) {
				t.Errorf("%s: %s", tt.name, e.Raw)
			}
			if want := "h2trace: process " + strconv.Itoa(tt.pid); !strings.Contains(r.stderr, want) {
				t.Errorf("%s: no message %q in\n%s", tt.name, want, indent(r.stderr))
			}
		}
		ofPID(t, processEvents(r.stream, "attached"), good.pid)
	})
}

// TestUnobservableCommand runs commands in which there is nothing to observe: they
// run all the same, and h2trace says so.
func TestUnobservableCommand(t *testing.T) {
	needProbes(t)
	tests := []struct {
		program goProgram
		reason  string
	}{
		{plain, "no crypto/tls"},
		{plain386, "32-bit"},
	}
	for _, tt := range tests {
		t.Run(tt.program.name, func(t *testing.T) {
			if tt.program.name == plain386.name {
				need386(t)
			}
			r := invoke(t, invocation{args: []string{"-o", t.TempDir() + "/events", tt.program.path(t)}})
			if r.status != 0 {
				t.Errorf("status %d", r.status)
			}
			r.wantMessage(t, "nothing could be observed", tt.reason)

			r = invoke(t, invocation{args: []string{"-q", tt.program.path(t), "sh", "-c", "exit 7"}})
			if r.status != 7 || r.stderr != "" {
				t.Errorf("status %d, want that of COMMAND, 7; stderr with -q: %q", r.status, r.stderr)
			}
			skipped := processEvents(r.stream(t), "skipped")
			if len(skipped) != 2 || !strings.Contains(skipped[0].Reason, tt.reason) || !strings.Contains(skipped[1].Reason, "not a Go binary") {
				t.Errorf("skipped: %v", rawOf(skipped))
			}
		})
	}
}

// TestNothingYet runs a command that is no Go program, and starts none for a while.
func TestNothingYet(t *testing.T) {
	needProbes(t)
	tr := startTracing(t, command{args: []string{"sh", "-c", "read -r line"}})
	await(t, "a message", func() bool { return lines(tr.log, "nothing to observe so far") == 1 })
	if r := tr.wait(); !strings.Contains(r.stderr, "observed: sh") || !strings.Contains(r.stderr, "not a Go binary") {
		t.Errorf("stderr\n%s", indent(r.stderr))
	}
}

func TestCommandThatCannotRun(t *testing.T) {
	needProbes(t)
	file := func(name, text string, mode os.FileMode) string {
		path := t.TempDir() + "/" + name
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name, command string
		status        int
		words         string
	}{
		{"not in PATH", "no-such-command-anywhere", 127, "not found in PATH"},
		{"no such file", "./no/such/file", 127, "no such file"},
		{"not executable", file("plain", "", 0o644), 126, "permission denied"},
		{"a directory", t.TempDir(), 126, "permission denied"},
		{"no interpreter", file("lost", "#!/no/such/interpreter\n", 0o755), 127, "interpreter"},
		{"no program", file("junk", "junk\n", 0o755), 126, "exec format error"},
		{"cut program", file("cut", "\x7fELF\x02\x01\x01", 0o755), 126, "exec format error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := invoke(t, invocation{args: []string{"-o", t.TempDir() + "/events", tt.command}})
			r.wantRefusal(t, tt.status, tt.words)
		})
	}
}
