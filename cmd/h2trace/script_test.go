//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/output"
	"h2trace/cmd/h2trace/internal/testkit/child"
)

// actAsH2trace is set in the environment of a test binary that is to be the
// h2trace of the scripts, whatever its name.
const actAsH2trace = "H2TRACE_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Args[0] == launch.Name {
		os.Exit(launch.Main(os.Args[1:]))
	}
	if os.Getenv(actAsH2trace) != "" {
		os.Exit(run(os.Args[1:], newFakeTracer, os.Stdout, os.Stderr))
	}
	if filepath.Base(os.Args[0]) != "h2trace" {
		child.HeedSignals()
	}
	testscript.Main(m, map[string]func(){
		"h2trace": func() {
			tasks := os.Getenv("H2TRACE_FAKE")
			if strings.Contains(tasks, "hasty") {
				output.DefaultPatience.Notice = 10 * time.Millisecond
			}
			if strings.Contains(tasks, "impatient") {
				output.DefaultPatience.Limit = 100 * time.Millisecond
			}
			os.Exit(run(os.Args[1:], newFakeTracer, os.Stdout, os.Stderr))
		},
	})
}

// scriptTime bounds all scripts, which take half a minute, and more under the race detector.
const scriptTime = 5 * time.Minute

// TestScript runs the scripts of testdata/script. The h2trace in them is this
// test binary with a tracer that observes nothing (see fakeTracer), so that
// they need neither root nor probes.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		// Its own root is left behind where -run leaves scripts out.
		WorkdirRoot: t.TempDir(),
		Deadline:    time.Now().Add(scriptTime),
		Setup:       setupScript,
		Condition:   scriptCondition,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  cmdExits,
			"await":  cmdAwait,
			"mode":   cmdMode,
			"signal": cmdSignal,
		},
	})
}

// setupScript keeps what the tests were started with out of the scripts.
func setupScript(env *testscript.Env) error {
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("SUDO_USER", "")
	return nil
}

func scriptCondition(cond string) (bool, error) {
	if cond == "root" {
		return os.Geteuid() == 0, nil
	}
	return false, errors.New("unknown condition")
}

// cmdExits is "exits STATUS COMMAND [ARG...]": exec for exact exit statuses.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("got exit status %d, want %d", got, want)
	}
}

// cmdAwait is "await FILE": it waits until FILE exists, or, as "! await FILE",
// until it does not.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] await FILE")
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); (err == nil) != neg {
			return
		}
	}
	ts.Fatalf("waited in vain for %s", args[0])
}

// cmdMode is "mode PERM FILE": it checks the permission bits of FILE.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode PERM FILE")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm(); got != os.FileMode(want) {
		ts.Fatalf("%s: got mode %o, want %o", args[1], got, want)
	}
}

// cmdSignal is "signal NAME FILE": it sends a signal to the process whose id is
// in FILE.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal NAME FILE")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[1])))
	ts.Check(err)
	sig := unix.SignalNum("SIG" + args[0])
	if sig == 0 {
		ts.Fatalf("unknown signal %s", args[0])
	}
	ts.Check(unix.Kill(pid, sig))
}

// TestScriptsIgnoringSignals runs a script about signals in tests that were started
// to ignore them, as by nohup(1) or in the background.
func TestScriptsIgnoringSignals(t *testing.T) {
	const run = `trap "" HUP INT QUIT TSTP; exec "$0" -test.run '^TestScript$/^signals$' -test.timeout 60s`
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", run, os.Args[0]).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
