package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/bpf/gate"
)

// TestStoppedWhileHeld stops h2trace as Ctrl-Z does: its targets continue, and once
// it runs again it holds again.
func TestStoppedWhileHeld(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	sh := startGateShell(t, s, nil)
	sh.ready()
	sh.fetch("/before")
	sh.signal(unix.SIGSTOP)
	for range 5 {
		if took := sh.run(sh.fresh()); took > longHold {
			t.Errorf("an exec took %v while h2trace was stopped", took)
		}
	}
	sh.signal(unix.SIGCONT)
	await(t, "h2trace to catch up", func() bool { return lines(sh.events, `"action":"attached"`) >= 6 })
	sh.fetch("/after")
	r := sh.good()
	wantWhole(t, r, map[string]bool{"/before": true, "/after": true})
	wantPaths(t, r.stream, []string{"/before", "/after"}, "/after")
	if lateIn(r.stderr) == 0 {
		t.Errorf("no message of the execs that went on:\n%s", indent(r.stderr))
	}
}

// TestKilledWhileHeld kills h2trace, or only its gatekeeper: the targets continue.
func TestKilledWhileHeld(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	t.Run("gatekeeper", func(t *testing.T) {
		sh := startGateShell(t, s, nil)
		gatekeeper := sh.ready()
		sh.signal(unix.SIGSTOP) // so that there is an exec to hold
		time.AfterFunc(gate.Bound/4, func() {
			_ = unix.Kill(gatekeeper, unix.SIGKILL)
			_ = unix.Kill(sh.cmd.Process.Pid, unix.SIGCONT)
		})
		for range 3 {
			if took := sh.run(sh.fresh()); took > longHold {
				t.Errorf("an exec took %v", took)
			}
		}
		await(t, "a message", func() bool { return strings.Contains(sh.stderr(), "the gatekeeper ended: it was killed") })
		sh.good()
	})
	t.Run("h2trace", func(t *testing.T) {
		sh := startGateShell(t, s, nil)
		gatekeeper := sh.ready()
		time.AfterFunc(gate.Bound/4, func() { _ = unix.Kill(sh.cmd.Process.Pid, unix.SIGKILL) })
		for i := range 10 {
			if took := sh.run(fmt.Sprintf("%s %s/%d >/dev/null", sh.fresh(), s.url, i)); took > longHold {
				t.Errorf("an exec took %v", took)
			}
		}
		wantGone(t, gatekeeper)
		_ = sh.stdin.Close()
		_, _ = io.Copy(io.Discard, sh.stdout) // until the shell has ended
	})
}
