package e2e

import (
	"bytes"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// inNetwork runs a function in a network namespace of its own, whose loopback device has
// modproxy.PublicAddress, too. What the function starts itself is in it.
func inNetwork(t *testing.T, do func()) {
	t.Helper()
	onOwnThread(func() {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		for _, args := range [][]string{{"link", "set", "lo", "up"}, {"addr", "add", modproxy.PublicAddress + "/32", "dev", "lo"}} {
			if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
				t.Errorf("ip %s: %v: %s", args, err, out)
				return
			}
		}
		do()
	})
}

// onOwnThread runs a function on a thread that ends with it. That is not the main thread,
// which does not end, and which /proc/self is about.
func onOwnThread(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			onOwnThread(do) // on another, as this one is taken
			return
		}
		do()
	}()
	<-done
}

// TestSuggested records downloads through two proxies of which the first is bad in one way.
// The line that --suggest prints then downloads everything, although that one is still bad.
func TestSuggested(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 16, 2000)
	bad := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(status), status) }
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	const one = "/example.test/m/m003/@v/v1.0.0.info"
	for _, tt := range []struct {
		name    string
		answers func(files []string) map[string]http.HandlerFunc
		entry   string // list of both, joined
		keeps   bool   // the first is suggested, too
		after   string // what may follow the first
		hangs   bool
	}{
		{name: "404 for one", answers: func([]string) map[string]http.HandlerFunc { return map[string]http.HandlerFunc{one: bad(404)} }, entry: "|", keeps: true, after: ","},
		{name: "404 for all", answers: each(bad(404)), entry: ","},
		{name: "502 for one", answers: func([]string) map[string]http.HandlerFunc { return map[string]http.HandlerFunc{one: bad(502)} }, entry: "|", keeps: true, after: "|"},
		{name: "502 for all", answers: each(bad(502)), entry: "|"},
		{name: "no answer", answers: each(hang), entry: "|", hangs: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inNetwork(t, func() {
				good := modproxy.Start(t, a, mods, modproxy.Options{Public: true})
				first := modproxy.Start(t, a, mods, modproxy.Options{Public: true, Instead: tt.answers(good.Files())})
				events := filepath.Join(t.TempDir(), "events.jsonl")
				record := func(list string) {
					w := modproxy.NewWorkspace(t, a, mods, good)
					cmd := exec.Command(bin(t, "h2trace"), "-q", "--source", source(), "-o", events, "--", "go", "mod", "download")
					cmd.Dir, cmd.Env = w.Dir, append(w.Env, "GOPROXY="+list)
					stop := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
					if tt.hangs && list != good.URL {
						stop = time.AfterFunc(3*time.Second, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
					}
					defer stop.Stop()
					out, err := cmd.CombinedOutput()
					if failed := tt.hangs && list != good.URL; (err != nil) != failed {
						t.Fatalf("GOPROXY=%s: %v\n%s", list, err, indent(string(out)))
					}
					checkEventsFile(t, events)
				}
				record(first.URL + tt.entry + good.URL)
				files := []string{"report", "--suggest", events}
				if tt.hangs {
					before := events
					events = filepath.Join(t.TempDir(), "more.jsonl")
					record(good.URL)
					files = append(files[:2], before, events)
				}
				var reasons bytes.Buffer
				cmd := exec.Command(bin(t, "h2trace"), files...)
				cmd.Stderr = &reasons
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v\n%s", err, reasons.String())
				}
				value := strings.Trim(strings.TrimPrefix(strings.TrimSpace(string(out)), "go env -w GOPROXY="), "'")
				_, rest, kept := strings.Cut(value, first.URL)
				if kept != tt.keeps || rest != "" && !strings.HasPrefix(rest, tt.after) || !strings.Contains(value, good.URL) {
					t.Errorf("got %s\n%s", value, indent(reasons.String()))
				}
				w := modproxy.NewWorkspace(t, a, mods, good)
				proof := exec.Command("go", "mod", "download")
				proof.Dir, proof.Env = w.Dir, append(w.Env, "GOPROXY="+value)
				stop := time.AfterFunc(patience, func() { _ = proof.Process.Kill() })
				defer stop.Stop()
				if out, err := proof.CombinedOutput(); err != nil {
					t.Errorf("GOPROXY=%s: %v\n%s", value, err, indent(string(out)))
				}
			})
		})
	}
}

// each answers for all files alike.
func each(answer http.HandlerFunc) func([]string) map[string]http.HandlerFunc {
	return func(files []string) map[string]http.HandlerFunc {
		all := make(map[string]http.HandlerFunc)
		for _, name := range files {
			all[name] = answer
		}
		return all
	}
}
