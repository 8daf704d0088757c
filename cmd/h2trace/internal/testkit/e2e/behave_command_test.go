package e2e

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestStdoutStaysParseable has COMMAND write arbitrary lines to stdout.
func TestStdoutStaysParseable(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	noise := strings.Repeat("{\"event\":\n", 20_000)
	file := t.TempDir() + "/noise"
	if err := os.WriteFile(file, []byte(noise), 0o644); err != nil {
		t.Fatal(err)
	}
	script := []string{fetch.path(t), "!cat " + file, s.url + "/text", "!cat " + file}
	want := noise + textBody + noise

	t.Run("to stderr", func(t *testing.T) {
		r := invoke(t, invocation{args: script, env: s.env})
		wantPaths(t, r.stream(t), []string{"/text"}, "/text")
		if r.status != 0 || unusual(r.stderr) != want {
			t.Errorf("status %d; stderr has %d bytes, want the %d of COMMAND's stdout; of h2trace it has\n%s",
				r.status, len(r.stderr), len(want), strings.ReplaceAll(r.stderr, noise[:11], ""))
		}
	})
	t.Run("as it was", func(t *testing.T) {
		events := t.TempDir() + "/events"
		r := invoke(t, invocation{args: append([]string{"-o", events}, script...), env: s.env})
		if r.status != 0 || r.stdout != want || unusual(r.stderr) != "" {
			t.Errorf("status %d; stdout has %d bytes, want %d; stderr %q", r.status, len(r.stdout), len(want), r.stderr)
		}
		if info, err := os.Stat(events); err != nil || info.Mode() != 0o600 {
			t.Errorf("events: %v, %v", info.Mode(), err)
		}
	})
}

// TestDurationLeavesCommand ends the capture long before COMMAND ends.
func TestDurationLeavesCommand(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	ready := t.TempDir() + "/go"
	tr := startTracing(t, command{
		flags: []string{"--duration", "700ms"},
		args:  []string{fetch.path(t), s.url + "/during", "@" + ready, s.url + "/after", "!exit 1"}, env: s.env,
	})
	tr.awaitEvent(`"event":"summary"`, 1)
	if err := tr.cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("h2trace did not wait for COMMAND: %v", err)
	}
	touch(t, ready)
	r := tr.wait()
	if r.status != 1 || !strings.HasSuffix(r.stdout, "/after") {
		t.Errorf("status %d, stdout %q, want those of a command that ran to its end", r.status, r.stdout)
	}
	wantPaths(t, r.stream, []string{"/during"}, "/during")
}

func TestSignalsReachCommand(t *testing.T) {
	needProbes(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			tr := startTracing(t, command{
				args: []string{"sh", "-c", `trap "echo got it; exit 9" TERM HUP; echo ready; while :; do sleep 0.01; done`},
				env:  os.Environ(),
			})
			tr.line()
			tr.signal(sig)
			r := tr.wait()
			if r.status != 9 || r.stdout != "got it\n" {
				t.Errorf("status %d, stdout %q", r.status, r.stdout)
			}
			if err := checkBalance(r.stream); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("deadly", func(t *testing.T) {
		tr := startTracing(t, command{args: []string{fetch.path(t), "@" + t.TempDir() + "/never"}, env: os.Environ()})
		tr.line()
		tr.signal(syscall.SIGTERM)
		if r := tr.wait(); r.status != 128+int(syscall.SIGTERM) {
			t.Errorf("status %d, want 143", r.status)
		}
	})
	t.Run("from the terminal", func(t *testing.T) {
		tr := startTracing(t, command{args: []string{fetch.path(t), "@" + t.TempDir() + "/never"}, env: os.Environ()})
		pid, err := strconv.Atoi(tr.line())
		if err != nil {
			t.Fatal(err)
		}
		// Ctrl-C: the whole process group gets it.
		if err := syscall.Kill(-tr.cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		r := tr.wait()
		if r.status != 128+int(syscall.SIGINT) {
			t.Errorf("status %d, want 130", r.status)
		}
		wantExits(t, r.stream, map[int]int{pid: 130})
	})
}

// TestDescendantsOutliveCommand ends with COMMAND, and leaves its descendants
// running.
func TestDescendantsOutliveCommand(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	script := `"$1" @"$0/go" "$2" >"$0/out" 2>&1 </dev/null & exit 8`
	tr := startTracing(t, command{args: []string{"sh", "-c", script, dir, fetch.path(t), s.url + "/late"}, env: s.env})
	r := tr.wait()
	if r.status != 8 || r.stdout != "" || unusual(r.stderr) != "" && !strings.Contains(r.stderr, "nothing could be observed") {
		t.Errorf("status %d, stdout %q, stderr %q", r.status, r.stdout, r.stderr)
	}
	touch(t, dir+"/go")
	await(t, "the end of the descendant", func() bool { return lines(dir+"/out", "/late") == 1 })
}

// TestKilledUnderLoad kills h2trace at random moments while COMMAND is at work;
// COMMAND continues undisturbed.
func TestKilledUnderLoad(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	for range 20 {
		script := `"$@"; echo status $?`
		args := append([]string{"sh", "-c", script, "sh"}, clientArgs(t, "", "-url", s.url, "-scenario", "post", "-repeat")...)
		tr := startTracing(t, command{args: args, env: s.env})
		start, wait := s.requests.Load(), rand.Int64N(150)
		await(t, "load", func() bool { return s.requests.Load() > start+wait })
		tr.signal(syscall.SIGKILL)
		killed := s.requests.Load()
		await(t, "more load", func() bool { return s.requests.Load() > killed+20 })
		_ = tr.stdin.Close()
		out, err := io.ReadAll(tr.stdout)
		if err != nil {
			t.Fatal(err)
		}
		// The client checks every response; it fails when one is wrong.
		if string(out) != "status 0\n" {
			t.Fatalf("after %d requests: %q\n%s", wait, out, indent(tr.stderr()))
		}
	}
}

// TestOutputFails runs COMMAND with an output that fails: COMMAND ends as usual, and
// h2trace prints at most one message.
func TestOutputFails(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	script := []string{"sh", "-c", `"$@"; sleep 0.2; "$@"; exit 7`, "sh", fetch.path(t), s.url + "/text"}
	args := append([]string{"-o", "/dev/full"}, script...)
	t.Run("full disk", func(t *testing.T) {
		served := s.requests.Load()
		r := invoke(t, invocation{args: args, env: s.env})
		r.wantMessage(t, "/dev/full", "no space left on device")
		if r.status != 125 || r.stdout != textBody+textBody || s.requests.Load() != served+2 {
			t.Errorf("status %d, stdout of %d bytes", r.status, len(r.stdout))
		}
	})
	t.Run("full disk, attached", func(t *testing.T) {
		target := startProgram(t, fetch, "-")
		r := invoke(t, invocation{args: []string{"-o", "/dev/full", "-p", join(target.pid)}})
		r.wantRefusal(t, 1, "/dev/full", "no space left on device")
	})
	t.Run("full stdout", func(t *testing.T) {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		status, stderr := runWithStdout(t, full, s.env, script)
		fullDisk := regexp.MustCompile(`h2trace: write stdout: no space left on device: \d+ events were not written\n`)
		if rest := unusual(fullDisk.ReplaceAllString(stderr, "")); status != 125 || !fullDisk.MatchString(stderr) || rest != textBody+textBody {
			t.Errorf("status %d, stderr\n%s", status, indent(stderr))
		}
	})
	t.Run("closed pipe", func(t *testing.T) {
		w := unread(t)
		status, stderr := runWithStdout(t, w, s.env, script)
		if status != 7 || unusual(stderr) != textBody+textBody {
			t.Errorf("status %d, want that of COMMAND, 7; stderr %d bytes, want those of its stdout alone; beside them\n%s",
				status, len(stderr), indent(strings.ReplaceAll(stderr, textBody, "")))
		}
	})
	t.Run("closed pipe, nothing of Go", func(t *testing.T) {
		w := unread(t)
		if status, stderr := runWithStdout(t, w, nil, []string{"sh", "-c", "exit 7"}); status != 7 || unusual(stderr) != "" {
			t.Errorf("status %d, want that of COMMAND, 7; stderr\n%s", status, indent(stderr))
		}
	})
}

// unread returns the end of a pipe that nobody reads.
func unread(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// runWithStdout runs h2trace with an open file as stdout. It returns the unusual
// lines of stderr.
func runWithStdout(t *testing.T, stdout *os.File, env, args []string) (status int, stderr string) {
	t.Helper()
	cmd := exec.Command(bin(t, "h2trace"), args...)
	var b bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = env, stdout, &b
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), unusual(b.String())
}
