// Package child starts programs for tests.
package child

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
)

// HeedSignals gives programs started from now on the default handling of signals that
// the parent of the tests ignores and they would inherit: nohup(1) ignores SIGHUP,
// and shells ignore SIGINT in background jobs. The tests themselves continue to
// survive these. Other signals have the handlers of the Go runtime, which execve(2)
// resets.
func HeedSignals() {
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

// Start starts a command with pipes to its stdin and from its stdout. The caller
// calls cmd.Wait.
func Start(t testing.TB, cmd *exec.Cmd) (stdin io.WriteCloser, stdout io.Reader) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if stdout, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return stdin, stdout
}

// Hold starts a command as Start does. When the test ends, it closes the stdin of the command, which
// ends it, and waits for it, unless the test has done so before.
func Hold(t testing.TB, cmd *exec.Cmd) (stdin io.WriteCloser, stdout io.Reader) {
	t.Helper()
	stdin, stdout = Start(t, cmd)
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // the test has its status if it wants it
	})
	return stdin, stdout
}
