//go:build linux

package rights

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// roleVariable makes this test a process that gives up its rights, and prints what it may still do.
const roleVariable = "H2TRACE_RIGHTS_TEST"

func TestMain(m *testing.M) {
	give, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	busy()
	if err := give(); err != nil {
		fmt.Println("error:", err)
	}
	for _, a := range attempts {
		fmt.Printf("%s: %v\n", a.name, outcome(a.try()))
	}
	print()
}

// print prints the rights that are left.
var print = func() { printThreads("*") }

// parent is another process.
var parent = os.Getppid()

// roles are the ways to give up rights.
var roles = map[string]func() error{
	"none":    func() error { return nil },
	"h2trace": func() error { return errors.Join(Shield(), NoCore(), Reduce(Following(), 0)) },
	"admin":   func() error { return errors.Join(Shield(), Keep(adminAlone), Reduce(Following(), 0)) },
	"command": func() error { return Reduce(Following(), parent) },
	"parser":  asParser,
	"locked": func() error {
		return errors.Join(LockMemory(), Keep(slices.Concat(Following(), Locking())), asParser())
	},
	"gatekeeper": func() error { return errors.Join(Shield(), Gatekeeper()) },
}

// asParser makes the calling thread one that parses. Another one prints what rights it has left.
func asParser() error {
	runtime.LockOSThread()
	thread, now, printed := unix.Gettid(), make(chan bool), make(chan bool)
	go func() {
		<-now
		printThreads(strconv.Itoa(thread))
		close(printed)
	}()
	print = func() { close(now); <-printed }
	return Parser()
}

// adminAlone has CAP_SYS_ADMIN in place of CAP_BPF and CAP_PERFMON.
var adminAlone = []cap.Value{cap.SYS_ADMIN, cap.SYS_PTRACE, cap.DAC_READ_SEARCH, cap.LEASE}

// busy makes threads: rights are those of each.
func busy() {
	var running sync.WaitGroup
	for range 8 {
		running.Add(1)
		go func() {
			running.Done()
			var fds [2]int
			if unix.Pipe2(fds[:], unix.O_CLOEXEC) == nil {
				_, _ = unix.Read(fds[0], make([]byte, 1)) // for good
			}
		}()
	}
	running.Wait()
}

// attempt is something that a program may be misused for.
type attempt struct {
	name string
	try  func() error
}

var attempts = []attempt{
	{"execute", func() error { return exec.Command("/bin/true").Run() }},
	{"mount", func() error { return unix.Mount("none", "/nonexistent", "tmpfs", 0, "") }},
	{"enter a namespace", func() error { return unix.Setns(-1, 0) }},
	{"make a namespace", func() error { return clone(unix.SYS_CLONE, unix.CLONE_NEWUSER|unix.CLONE_FS) }},
	{"make one with clone3", func() error { return clone(unix.SYS_CLONE3, 0) }},
	{"trace", func() error { return unix.PtraceSeize(parent) }},
	{"signal another", func() error { return unix.Kill(parent, 0) }},
	{"signal itself", func() error { return unix.Kill(os.Getpid(), 0) }},
	{"become a user", func() error { return threadCall(unix.SYS_SETRESUID, ^uintptr(0), ^uintptr(0), ^uintptr(0)) }},
	{"load a module", func() error { return unix.DeleteModule("nonexistent", 0) }},
	{"io_uring", func() error { _, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 0, 0, 0); return errno }},
	{"read a file", func() error { _, err := os.ReadFile("/proc/self/mountinfo"); return err }},
	{"write a file", func() error { return writeFile() }},
	{"read the memory of another", func() error { return readMemory() }},
	{"connect", func() error { return connect() }},
	{"copy the memory of another", func() error { return threadCall(unix.SYS_PROCESS_VM_READV, uintptr(parent), 0, 0) }},
	{"get a descriptor of another", func() error { return threadCall(unix.SYS_PIDFD_OPEN, uintptr(parent), 0, 0) }},
	{"count events", func() error { return openEvent() }},
	{"become readable", func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 2, 0, 0, 0) }}, // which is no value
	{"read a map", func() error { return bpfCall(unix.BPF_MAP_LOOKUP_ELEM) }},
	{"load a program", func() error { return bpfCall(unix.BPF_PROG_LOAD) }},
}

// clone makes a call that the kernel refuses with EINVAL. The filter has clone3 missing.
func clone(call, flags uintptr) error {
	_, _, errno := unix.Syscall(call, flags, 0, 0)
	if errno == unix.ENOSYS {
		return unix.EPERM
	}
	return errno
}

func writeFile() error {
	f, err := os.CreateTemp("", "rights-")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	return err
}

func readMemory() error {
	f, err := os.Open("/proc/" + strconv.Itoa(parent) + "/mem")
	if err == nil {
		err = f.Close()
	}
	return err
}

func connect() error {
	c, err := net.Dial("tcp", os.Getenv("H2TRACE_RIGHTS_TEST_SERVER"))
	if err == nil {
		err = c.Close()
	}
	return err
}

func bpfCall(command uintptr) error { return threadCall(unix.SYS_BPF, command, 0, 0) }

// threadCall is a system call of the calling thread alone.
func threadCall(call, a, b, c uintptr) error {
	if _, _, errno := unix.Syscall(call, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

// outcome is "refused" for what the rights forbid, else "done": other errors say that the call went
// through.
func outcome(err error) string {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, fs.ErrPermission) {
		return "refused"
	}
	return "done"
}

// printThreads prints what /proc says of the rights of threads, each line once.
func printThreads(which string) {
	files, _ := filepath.Glob("/proc/self/task/" + which + "/status")
	wanted := regexp.MustCompile(`(?m)^(Cap.*|NoNewPrivs|Seccomp):.*$`)
	lines := make(map[string]bool)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // /proc is not its own any more
		}
		for _, line := range wanted.FindAllString(string(b), -1) {
			if !lines[line] {
				fmt.Println(line)
			}
			lines[line] = true
		}
	}
	dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	fmt.Println("dumpable:", dumpable)
}

// run runs the role, and returns what it prints.
func run(t *testing.T, role string) []string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, which has rights to give up")
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "H2TRACE_RIGHTS_TEST_SERVER="+server.Addr().String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// mask is a set of capabilities as /proc has it.
func mask(list []cap.Value) string {
	var bits uint64
	for _, c := range list {
		if ok, err := cap.GetProc().GetFlag(cap.Permitted, c); ok && err == nil {
			bits |= 1 << c
		}
	}
	return fmt.Sprintf("%016x", bits)
}

// limited returns what memory that is locked takes, where the limit stays.
func limited(t *testing.T) []cap.Value {
	t.Helper()
	if memlock().Max == unix.RLIM_INFINITY || Has(cap.SYS_RESOURCE) {
		return []cap.Value{}
	}
	return []cap.Value{cap.IPC_LOCK}
}

// TestRights has processes give up their rights, and try what they must not.
func TestRights(t *testing.T) {
	all := []string{
		"execute", "mount", "enter a namespace", "make a namespace", "make one with clone3",
		"trace", "signal another", "become a user", "load a module", "io_uring",
	}
	more := []string{
		"write a file", "read the memory of another", "connect", "load a program",
		"copy the memory of another", "get a descriptor of another", "count events",
	}
	everything := slices.Concat(all, more, []string{"signal itself", "read a file", "become readable", "read a map"})
	if _, err := Landlock(); err != nil {
		t.Logf("landlock: %v", err)
		more = more[1:]
	}
	tests := []struct {
		role    string
		keep    []cap.Value
		refused []string
	}{
		{"none", nil, nil},
		{"h2trace", Following(), all},
		{"admin", adminAlone, all},
		{"parser", []cap.Value{}, everything},
		{"locked", limited(t), everything},
		{"command", Following(), slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "signal another" })},
		{"gatekeeper", gatekeeping, slices.Concat(all, more, []string{"signal itself"})},
	}
	for _, tt := range tests {
		t.Run(tt.role, func(t *testing.T) {
			got := run(t, tt.role)
			for _, a := range attempts {
				want := a.name + ": done"
				if slices.Contains(tt.refused, a.name) {
					want = a.name + ": refused"
				}
				if !slices.Contains(got, want) {
					t.Errorf("not %q", want)
				}
			}
			if tt.keep == nil {
				return
			}
			kept := mask(tt.keep)
			for _, want := range []string{
				"CapInh:\t" + mask(nil), "CapPrm:\t" + kept, "CapEff:\t" + kept, "CapAmb:\t" + mask(nil), "NoNewPrivs:\t1", "Seccomp:\t2",
			} {
				name, _, _ := strings.Cut(want, ":")
				of := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !strings.HasPrefix(s, name+":") })
				if !slices.Equal(of, []string{want}) {
					t.Errorf("threads have %q, want %q", of, want)
				}
			}
			if shields := tt.role == "h2trace" || tt.role == "admin" || tt.role == "gatekeeper"; shields && !slices.Contains(got, "dumpable: 0") {
				t.Error("the memory can be dumped")
			}
			if t.Failed() {
				t.Logf("%s", strings.Join(got, "\n"))
			}
		})
	}
}
