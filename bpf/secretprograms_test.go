//go:build linux

package bpf

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"h2trace/bpf/plan"
	"h2trace/scripts/goreleases"
)

// buildSecrets builds the program in testdata/secrets.
func buildSecrets(t *testing.T, env []string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets")
	cmd := exec.Command("go", slices.Concat([]string{"build", "-o", path}, args, []string{"."})...)
	cmd.Dir = "testdata/secrets"
	cmd.Env = slices.Concat(os.Environ(), []string{"CGO_ENABLED=0"}, env)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// secretsOf runs a target, and returns the lines of its key log, with how often each
// was reported.
func secretsOf(t *testing.T, c *Collector, path string, args ...string) (log []string, reported map[string]int) {
	t.Helper()
	exe, err := c.Executables.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Executables.sitesOf(exe) {
		if s.Tap != plan.KeyLog && s.Tap != plan.HandshakeFailed {
			t.Errorf("has a %s probe", s.Tap)
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Stderr = os.Stderr
	stdin, stdout := startPiped(t, cmd)
	if err := c.Targets.AddTarget(cmd.Process.Pid); err != nil {
		t.Error(err)
	}
	if _, err := stdin.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() && lines.Text() != "" {
			log = append(log, lines.Text())
		}
	}()
	reported = make(map[string]int)
	for running := true; running; {
		select {
		case <-logged:
			running = false
		default:
		}
		readAll(t, c, func(e Event) {
			s, ok := e.(*Secret)
			if !ok || s.Label == "" {
				return
			}
			if s.PID != cmd.Process.Pid {
				t.Errorf("got a secret of process %d, want %d", s.PID, cmd.Process.Pid)
			}
			reported[keyLogLine(s)]++
		})
	}
	if err := errors.Join(stdin.Close(), cmd.Wait()); err != nil {
		t.Error(err)
	}
	return log, reported
}

// startPiped starts a command with pipes to its stdin and from its stdout.
func startPiped(t *testing.T, cmd *exec.Cmd) (io.WriteCloser, io.Reader) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return stdin, stdout
}

// TestSecrets compares the secrets of a program with those that it logs itself.
func TestSecrets(t *testing.T) {
	const (
		forkAlone = "fork alone"
		ofFork    = 5 // lines
	)
	type variant struct {
		name string
		env  []string
		args []string
		run  []string
		opts Options
		lost uint64
	}
	variants := []variant{
		{name: "default"},
		{name: "stripped", args: []string{"-ldflags=-s"}},
		{name: "pie", args: []string{"-buildmode=pie"}},
		{name: "stripped pie", args: []string{"-buildmode=pie", "-ldflags=-s"}},
		{name: "race", env: []string{"CGO_ENABLED=1"}, args: []string{"-race"}},
		{name: "N-l", args: []string{"-gcflags=all=-N -l"}},
		{name: forkAlone, args: []string{"-tags=forkonly"}},
		{name: "labels not in memory", run: []string{"-cold"}},
		{name: "odd", run: []string{"-odd"}, lost: 2},
		{name: "entry", opts: Options{Mode: plan.EntryRet}},
		{name: "compat", opts: Options{compat: true}},
	}
	list, _ := goreleases.Take(false)
	for _, release := range list {
		variants = append(variants, variant{name: release, env: goreleases.Env(release)})
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			v.opts.Wire, v.opts.BufferSize = true, 1<<20
			c := newUnattached(t, v.opts)
			want := 10
			if v.name == forkAlone {
				want = ofFork
			}
			log, reported := secretsOf(t, c, buildSecrets(t, v.env, v.args...), v.run...)
			if len(log) != want {
				t.Errorf("%d lines, want %d", len(log), want)
			}
			sides := 2 // both sides of a connection report
			for i, line := range log {
				if i == len(log)-ofFork {
					sides = 1
				}
				n := reported[line]
				if n < sides || n > sides && v.opts.Mode != plan.EntryRet {
					t.Errorf("line %d: reported %d times, want %d", i, n, sides)
				}
				delete(reported, line)
			}
			for line := range reported {
				t.Errorf("not in the log: %s", line)
			}
			ledger, err := c.Connections.Ledger()
			if err != nil || ledger.Lost() != v.lost || ledger.LostRecords[ReadFault] != v.lost {
				t.Errorf("%d lost, by cause %d, %v, want %d", ledger.Lost(), ledger.LostRecords, err, v.lost)
			}
		})
	}
}
