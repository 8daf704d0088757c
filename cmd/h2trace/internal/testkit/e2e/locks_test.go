package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestLocks downloads modules while another one, this test, has the lock of one of them in
// the module cache.
func TestLocks(t *testing.T) {
	const held = 1500 * time.Millisecond
	mods := modproxy.Modules("example.test/small", 3, 2000)
	checkSituations(t, []situation{{
		name: "a lock of the module cache", cause: "client", text: []string{"waiting for locks", "…/small/m001/@v/v1.0.0.lock"},
		evidence: []string{"at most ", " were CPU", "1 wait for the lock …/small/m001/@v/v1.0.0.lock took 1."},
		run: func(t *testing.T, l *lab) string {
			origin := modproxy.Start(t, l.authority, mods, modproxy.Options{})
			w := modproxy.NewWorkspace(t, l.authority, mods, origin)
			dir := filepath.Join(w.Dir, "..", "modcache", "cache", "download", "example.test", "small", "m001", "@v")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(filepath.Join(dir, "v1.0.0.lock"))
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			tr := startTracing(t, command{args: []string{"go", "mod", "download"}, dir: w.Dir, env: w.Env})
			done := make(chan struct{})
			go func() {
				defer close(done)
				waitForRequests(origin)
				time.Sleep(held)
				_ = f.Close()
			}()
			if r := tr.wait(); r.status != 0 {
				t.Errorf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			<-done
			return tr.events
		},
	}})
}

// waitForRequests returns when a go command has asked for something: soon after that it
// waits for the lock.
func waitForRequests(origin *modproxy.Server) {
	for deadline := time.Now().Add(patience); len(origin.Requests()) == 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
}
