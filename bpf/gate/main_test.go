package gate

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// roleEnv turns the test binary into an h2trace of its own, see runAgent.
const roleEnv = "H2TRACE_TEST_GATE"

func TestMain(m *testing.M) {
	if os.Args[0] == Name {
		Main(os.Args[1:])
		return
	}
	if os.Getenv(roleEnv) != "" {
		os.Exit(runAgent(os.Args[1]))
	}
	os.Exit(m.Run())
}

// needGate skips a test where no exec can be held.
func needGate(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to hold executables")
	}
	if err := Available(); err != nil {
		t.Skipf("nothing can be held here: %v", err)
	}
}

// patience bounds every wait.
const patience = 20 * time.Second

// ownFS mounts a file system for one test, so that a mistake holds no other process.
func ownFS(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("h2trace-test", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func newTargets(t testing.TB) *ebpf.Map {
	t.Helper()
	m, err := makeTargets()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func makeTargets() (*ebpf.Map, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, err
	}
	return ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1024})
}

func startGate(t testing.TB, o Options) *Gate {
	t.Helper()
	g, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Close()
		g.Wait()
	})
	return g
}

// copyFile creates a new executable.
func copyFile(t testing.TB, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

// waiter is a process that executes a file on request.
type waiter struct {
	t     testing.TB
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan error
}

// newWaiter starts a shell that waits, and makes it a target unless m is nil.
func newWaiter(t testing.TB, m *ebpf.Map, file string) *waiter {
	t.Helper()
	w := &waiter{t: t, done: make(chan error, 1)}
	w.cmd = exec.Command("/bin/sh", "-c", `echo; read go; exec "$0"`, file)
	var err error
	if w.stdin, err = w.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if m != nil {
		pid := uint32(w.cmd.Process.Pid)
		if err := m.Put(pid, pid); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// exec makes it execute the file.
func (w *waiter) exec() {
	w.t.Helper()
	if _, err := io.WriteString(w.stdin, "\n"); err != nil {
		w.t.Fatal(err)
	}
	go func() { w.done <- w.cmd.Wait() }()
}

// ended waits for the end of the program and returns how long it took.
func (w *waiter) ended() time.Duration {
	w.t.Helper()
	start := time.Now()
	select {
	case err := <-w.done:
		if err != nil {
			w.t.Errorf("%v: %v", w.cmd.Args, err)
		}
	case <-time.After(patience):
		_ = w.cmd.Process.Kill()
		w.t.Fatalf("%v has not ended within %v", w.cmd.Args, patience)
	}
	return time.Since(start)
}

// held reports whether it hangs in execve(2): state D, waiting for an answer.
func (w *waiter) held() bool {
	b, err := os.ReadFile(procStat(w.cmd.Process.Pid))
	return err == nil && stateOf(b) == 'D'
}

func procStat(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/stat" }

// stateOf returns the state in the contents of /proc/PID/stat.
func stateOf(stat []byte) byte {
	_, after, _ := strings.Cut(string(stat), ") ")
	return (after + "?")[0]
}

func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// agent is an h2trace in a process of its own, which never answers.
type agent struct {
	cmd     *exec.Cmd
	targets *ebpf.Map
	keeper  int
}

// runAgent holds every exec on the file system of path at the gate, and never
// answers. It prints the process id of the gatekeeper.
func runAgent(path string) int {
	targets, err := ebpf.NewMapFromFD(3)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	g, err := Start(Options{Targets: targets, Only: path, Attach: func(int, *os.File, *os.File) (func(), error) { select {} }})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(g.keeper.Pid)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

func startAgent(t testing.TB, path string) *agent {
	t.Helper()
	a := &agent{targets: newTargets(t)}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.FcntlInt(uintptr(a.targets.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	shared := os.NewFile(uintptr(fd), "targets")
	defer shared.Close()
	a.cmd = exec.Command(self, path)
	a.cmd.Env = append(os.Environ(), roleEnv+"=1")
	a.cmd.Stderr = os.Stderr
	a.cmd.ExtraFiles = []*os.File{shared}
	stdin, err := a.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if a.keeper, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatal(err)
	}
	return a
}

// trueIn puts a copy of true(1) into dir.
func trueIn(t testing.TB, dir, name string) string {
	return copyFile(t, "/bin/true", filepath.Join(dir, name))
}
