package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// turnSource is a process that follows its first argument, and then executes or
// starts the command of the others.
const turnSource = `package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	how, rest := os.Args[1], os.Args[2:]
	switch how {
	case "exec":
		log.Fatal(syscall.Exec(rest[0], rest, os.Environ()))
	case "thread": // which has the id of the process from then on
		runtime.LockOSThread() // the first thread is not for others
		go func() {
			runtime.LockOSThread()
			if syscall.Gettid() == os.Getpid() {
				log.Fatal("on the first thread")
			}
			log.Fatal(syscall.Exec(rest[0], rest, os.Environ()))
		}()
		select {}
	case "vfork": // which os/exec does
		status(exec.Command(rest[0], rest[1:]...))
	case "orphan": // the parent is gone while the child is held
		cmd := exec.Command("/bin/sh", append([]string{"-c", "\"$@\" &", "sh"}, rest...)...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			log.Fatal(err)
		}
	case "kill": // while it is held, or later
		cmd := exec.Command(rest[0], rest[1:]...)
		time.AfterFunc(time.Duration(os.Getpid()%20)*time.Millisecond, func() {
			if cmd.Process != nil {
				_ = cmd.Process.Kill()
			}
		})
		_ = cmd.Run()
	case "bomb":
		for range 15 {
			_ = exec.Command("/bin/true").Start()
		}
		status(exec.Command(rest[0], rest[1:]...))
	case "unlink": // what it executes is deleted at once
		cmd := exec.Command(rest[0], rest[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		err := cmd.Start()
		_ = os.Remove(rest[0])
		if err != nil {
			log.Fatal(err)
		}
		_ = cmd.Wait()
		os.Exit(cmd.ProcessState.ExitCode())
	default:
		log.Fatal(how)
	}
}

func status(cmd *exec.Cmd) {
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		fmt.Println("status", code)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}
`

var turn = goProgram{name: "turn", source: turnSource}

// turns returns a command line of some random turns that ends with a request. sure
// says that nothing in it can prevent the request.
func turns(t *testing.T, rng *rand.Rand, dir, url string) (args []string, sure bool) {
	t.Helper()
	last := filepath.Join(dir, fmt.Sprintf("last%d", rng.Uint32()))
	switch rng.IntN(5) {
	case 0:
		last = fetch.path(t)
	case 1:
		shuffled.copyTo(t, last)
	case 2: // reads and writes by entry and RET
		debugged.copyTo(t, last)
	default:
		fetch.copyTo(t, last)
	}
	if rng.IntN(4) == 0 && last != fetch.path(t) { // as another user
		if err := os.Chown(last, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(last, 0o755|unix.S_ISUID|unix.S_ISGID); err != nil {
			t.Fatal(err)
		}
	}
	args, sure = []string{last, url}, true
	for range 1 + rng.IntN(4) {
		switch how := []string{"exec", "thread", "vfork", "orphan", "kill", "bomb", "unlink", "sh", "script"}[rng.IntN(9)]; how {
		case "sh": // not a Go binary, and back
			args = append([]string{"/bin/sh", "-c", "exec \"$@\"", "sh"}, args...)
		case "script":
			script := filepath.Join(dir, fmt.Sprintf("script%d", rng.Uint32()))
			child.WriteProgram(t, script, []byte("#!/bin/sh\nexec \"$@\"\n"))
			args = append([]string{script}, args...)
		case "unlink":
			if args[0] != last || last == fetch.path(t) {
				continue // needed again
			}
			fallthrough
		default:
			sure = sure && how != "kill" && how != "orphan"
			args = append([]string{turn.path(t), how}, args...)
		}
	}
	return args, sure
}

// phaseRounds is how many processes each of the tests of phases starts. With
// H2TRACE_SOAK=1 there are ten times as many.
func phaseRounds() int {
	if os.Getenv("H2TRACE_SOAK") == "1" {
		return 1000
	}
	return 100
}

// TestPhases lets targets fork, exec and die in every way and at every moment. Probes
// come and go, and h2trace is stopped now and then. Nothing hangs, the ledger
// balances, and in the end nothing is left.
func TestPhases(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	for _, mode := range []string{"run", "-p", "-n", "-n --no-gate"} {
		t.Run(mode, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 0))
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			tr, root := startPhases(t, s, mode)
			alone := 0
			if mode == "run" {
				alone = targetsAlone(t, tr, root)
			}
			sure := make(map[string]bool)
			for i := range phaseRounds() {
				path := fmt.Sprintf("/phase/%d", i)
				args, ok := turns(t, rng, dir, s.url+path)
				sure[path] = ok
				line := ""
				for _, a := range args {
					line += "'" + a + "' "
				}
				root.typeIn(line + ">>" + dir + "/out 2>&1 &")
				if rng.IntN(10) == 0 {
					tr.signal(unix.SIGSTOP)
					time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond)
					tr.signal(unix.SIGCONT)
				}
				time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
				if i%8 == 7 {
					root.typeIn("wait; echo 1")
					root.readPID()
				}
			}
			root.typeIn("wait; echo 1")
			root.readPID()
			if mode == "run" { // it ends with the shell, and nobody waits for orphans
				awaitTargets(t, tr, alone)
			}
			root.typeIn("exit 5")
			root.end()
			finishPhases(t, tr, mode, dir, sure)
		})
	}
}

// targetsAlone returns how many targets there are when the shell runs nothing.
func targetsAlone(t *testing.T, tr *tracing, root *program) int {
	t.Helper()
	root.typeIn("echo 1")
	root.readPID()
	return leftIn(t, tr.cmd.Process.Pid)["targets"]
}

// awaitTargets waits until there are at most so many targets. One look can miss a
// process that is forked while it iterates over the map, so it takes several.
func awaitTargets(t *testing.T, tr *tracing, most int) {
	t.Helper()
	const looks = 8
	calm := 0
	await(t, "the end of all orphans", func() bool {
		if calm++; leftIn(t, tr.cmd.Process.Pid)["targets"] > most {
			calm = 0
		}
		return calm == looks
	})
}

// startPhases starts h2trace and a shell that it observes.
func startPhases(t *testing.T, s *site, mode string) (*tracing, *program) {
	t.Helper()
	names := filepath.Base(turn.path(t)) + ",sh"
	switch mode {
	case "run":
		tr := startTracing(t, command{args: []string{"sh"}, env: s.env})
		// It ends with h2trace, which wait awaits.
		return tr, &program{stdin: tr.stdin, stdout: tr.stdout, t: t, ended: true}
	case "-p":
		root, other := shell(t, s.env), startFile(t, fetch.path(t), s.env, "-")
		tr := startTracing(t, command{flags: []string{"-p", join(root.pid, other.pid)}})
		tr.awaitEvent(`"action":"attached"`, 1)
		other.end() // -p takes only observable processes, and a shell is none
		return tr, root
	case "-n --no-gate":
		return startTracing(t, command{flags: []string{"--no-gate", "-n", names}}), shell(t, s.env)
	}
	return startTracing(t, command{flags: []string{"-n", names}}), shell(t, s.env)
}

// finishPhases ends the capture when all targets have ended, and checks it.
func finishPhases(t *testing.T, tr *tracing, mode, dir string, sure map[string]bool) {
	t.Helper()
	if strings.HasPrefix(mode, "-n") {
		awaitEmpty(t, tr.cmd.Process.Pid)
		tr.signal(os.Interrupt)
	}
	want := 0
	if mode == "run" {
		want = 5 // of the shell
	}
	r := tr.wait()
	if r.status != want {
		t.Errorf("exit status %d, want %d\n%s", r.status, want, indent(messagesOf(r.stderr)))
	}
	if err := checkBalance(r.stream); err != nil {
		t.Error(err)
	}
	made, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	for path, ok := range sure {
		if ok && !contains(string(made), path) {
			t.Errorf("%s was not fetched\n%s", path, indent(string(made)))
		}
	}
	wantSound(t, r.stream)
	checkLives(t, r.stream)
}

// contains reports whether a path is in a text, and not as the beginning of another
// one.
func contains(text, path string) bool {
	for i := 0; i+len(path) <= len(text); i++ {
		end := i + len(path)
		if text[i:end] == path && (end == len(text) || text[end] < '0' || text[end] > '9') {
			return true
		}
	}
	return false
}

// checkLives requires that each reported process ends once, that only its own
// programs are reported after that, and that connections belong to attached
// processes.
func checkLives(t *testing.T, s *contract.Stream) {
	t.Helper()
	type generation struct{ begun, attached, ended int }
	lives := make(map[int]*generation)
	for _, e := range s.Events {
		if e.PID == 0 {
			continue
		}
		l := lives[e.PID]
		if l == nil {
			l = &generation{}
			lives[e.PID] = l
		}
		switch {
		case e.Action == "exec" && e.Event == "process":
			if l.ended > 0 {
				t.Errorf("after its exit: %s", e.Raw)
			}
			l.begun++
		case e.Event == "process" && (e.Action == "attached" || e.Action == "skipped"):
			l.begun++
			l.attached++
		case e.Event == "process" && e.Action == "exit":
			l.ended++
		}
	}
	for pid, l := range lives {
		if l.ended != 1 || l.begun == 0 {
			t.Errorf("process %d: %d events of its beginning, %d exits", pid, l.begun, l.ended)
		}
	}
	t.Log(strconv.Itoa(len(lives)) + " processes")
}
