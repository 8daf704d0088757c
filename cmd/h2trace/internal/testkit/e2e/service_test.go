package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// loopSource is an HTTP client that waits for a line on stdin, then gets a URL again and again
// until stdin ends. Then it prints how often that was.
const loopSource = `package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	stdin := bufio.NewReader(os.Stdin)
	_, _ = stdin.ReadString('\n')
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		close(over)
	}()
	for n := 0; ; n++ {
		select {
		case <-over:
			fmt.Println(n)
			return
		default:
		}
		resp, err := http.Get(os.Args[1])
		if err != nil {
			log.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
	}
}
`

var loop = goProgram{name: "loop", source: loopSource}

// service is h2trace as a service runs it: without a terminal, events in a file.
type service struct {
	t      testing.TB
	cmd    *exec.Cmd
	events string
	log    string // file: stderr
}

// startService starts h2trace with flags besides -o, in an environment of its own.
func startService(t testing.TB, env []string, flags ...string) *service {
	t.Helper()
	dir := t.TempDir()
	s := &service{t: t, events: filepath.Join(dir, "events.jsonl"), log: filepath.Join(t.TempDir(), "stderr.log")}
	stderr, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	limit := patience
	if soaking {
		limit = 2 * time.Hour
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	s.cmd = exec.CommandContext(ctx, bin(t, "h2trace"), append([]string{"--source", source(), "-o", s.events}, flags...)...)
	s.cmd.Env, s.cmd.Stderr = append(os.Environ(), env...), stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = s.cmd.Wait() // an error after end, as expected
	})
	return s
}

// said returns the messages.
func (s *service) said() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// awaitSaid waits until a message has a text n times.
func (s *service) awaitSaid(text string, n int) {
	s.t.Helper()
	await(s.t, text, func() bool { return strings.Count(s.said(), text) >= n })
}

func (s *service) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// load is a client that never pauses, which a service observes.
type load struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
}

// startLoad starts a client of a URL when its probes are in place.
func (s *service) startLoad(url string, env []string) *load {
	s.t.Helper()
	l := &load{t: s.t, cmd: exec.Command(loop.path(s.t), url)}
	l.cmd.Env = env
	l.stdin, l.stdout = child.Start(s.t, l.cmd)
	await(s.t, "the probes", func() bool { return lines(s.events, `"action":"attached"`) == 1 })
	if _, err := io.WriteString(l.stdin, "\n"); err != nil {
		s.t.Fatal(err)
	}
	return l
}

// end ends the client, and returns how many requests it made.
func (l *load) end() (requests int64) {
	l.t.Helper()
	err := l.stdin.Close()
	if err == nil {
		_, err = fmt.Fscan(l.stdout, &requests)
	}
	if err == nil {
		err = l.cmd.Wait()
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return requests
}

// stop ends the service as service managers do.
func (s *service) stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("%v\n%s", err, indent(s.said()))
	}
}

// needTool returns the path of a program, and skips a test without it.
func needTool(t testing.TB, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Skip("needs " + name + ", which scripts/setup installs")
	return ""
}
