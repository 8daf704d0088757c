package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// spawnerSource runs programs for a test. Each line of stdin is a number, a program
// and its arguments. When the program has ended it prints the number, the exit
// status, the nanoseconds for the exec and the run, and the hash of the program's
// output. Several run at a time. It ends when stdin has ended and all programs have.
const spawnerSource = `package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

func main() {
	var wg sync.WaitGroup
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		wg.Add(1)
		go func() {
			defer wg.Done()
			spawn(words)
		}()
	}
	wg.Wait()
}

func spawn(words []string) {
	cmd := exec.Command(words[1], words[2:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	began := time.Now()
	err := cmd.Start() // which returns when execve(2) has
	started := time.Since(began)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	fmt.Printf("%s %d %d %d %x\n", words[0], cmd.ProcessState.ExitCode(), started, time.Since(began), sha256.Sum256(out.Bytes()))
}
`

var spawn = goProgram{name: "spawner", source: spawnerSource}

// spawned is the outcome of a program.
type spawned struct {
	status         int
	started, ended time.Duration // since its start was requested
	sum            string        // SHA-256 of its stdout
}

// spawner runs programs; see spawnerSource. It is safe for concurrent use.
type spawner struct {
	t      testing.TB
	pid    int // 0 of one that h2trace runs
	stdin  io.WriteCloser
	closed chan struct{} // when no more results come

	mu      sync.Mutex
	count   int
	waiting map[int]chan spawned
}

// startSpawner starts one without h2trace.
func startSpawner(t testing.TB, env []string) *spawner {
	t.Helper()
	cmd := exec.Command(spawn.path(t))
	cmd.Env, cmd.Stderr = env, os.Stderr
	stdin, stdout := child.Start(t, cmd)
	s := newSpawner(t, stdin, stdout)
	s.pid = cmd.Process.Pid
	t.Cleanup(func() {
		s.end()
		if err := cmd.Wait(); err != nil {
			t.Errorf("spawner: %v", err)
		}
	})
	return s
}

// newSpawner uses one that runs already.
func newSpawner(t testing.TB, stdin io.WriteCloser, stdout io.Reader) *spawner {
	s := &spawner{t: t, stdin: stdin, closed: make(chan struct{}), waiting: make(map[int]chan spawned)}
	go s.read(bufio.NewScanner(stdout))
	return s
}

func (s *spawner) read(lines *bufio.Scanner) {
	defer close(s.closed)
	for lines.Scan() {
		var number int
		var r spawned
		if _, err := fmt.Sscan(lines.Text(), &number, &r.status, &r.started, &r.ended, &r.sum); err != nil {
			s.t.Errorf("spawner: %q: %v", lines.Text(), err)
			continue
		}
		s.mu.Lock()
		done := s.waiting[number]
		delete(s.waiting, number)
		s.mu.Unlock()
		done <- r
	}
}

// start starts a program, and returns the channel of its outcome.
func (s *spawner) start(words ...string) <-chan spawned {
	s.t.Helper()
	done := make(chan spawned, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	s.waiting[s.count] = done
	if _, err := fmt.Fprintf(s.stdin, "%d %s\n", s.count, strings.Join(words, " ")); err != nil {
		s.t.Errorf("spawner: %v", err)
	}
	return done
}

// await returns the outcome of a program, which must be successful.
func (s *spawner) await(done <-chan spawned) spawned {
	s.t.Helper()
	var r spawned
	select {
	case r = <-done:
	case <-s.closed:
		select {
		case r = <-done:
		default:
			s.t.Error("the spawner has ended before a program of it")
		}
	case <-time.After(patience):
		s.t.Errorf("a program has not ended within %s", patience)
	}
	if r.status != 0 {
		s.t.Errorf("a program ended with status %d", r.status)
	}
	return r
}

// run runs a program to its end, which must be successful.
func (s *spawner) run(words ...string) spawned {
	s.t.Helper()
	return s.await(s.start(words...))
}

// end waits for all programs.
func (s *spawner) end() {
	_ = s.stdin.Close()
	<-s.closed
}
