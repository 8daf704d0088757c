package e2e

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// headless is fetch in a process whose first thread ends when the program begins,
// like pthread_exit(3) in main. Under the id of the process /proc then has neither
// executable, environment nor descriptors.
var headless = goProgram{name: "headless", source: strings.NewReplacer(
	"func main() {", `
func init() { runtime.LockOSThread() }

func main() {
	go func() {
		work()
		os.Exit(0)
	}()
	syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
}

func work() {
	for { // until the first thread has ended
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", os.Getpid()))
		if strings.Contains(string(stat), ") Z ") {
			break
		}
		time.Sleep(time.Millisecond)
	}
`, `	"os/exec"`, "	\"os/exec\"\n\t\"runtime\"\n\t\"syscall\"").Replace(fetchSource)}

// TestLinkOfExecutable observes processes whose link to the executable differs from
// the executed name, or is readable only under some threads.
func TestLinkOfExecutable(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	for _, tt := range []struct {
		name    string
		program goProgram
		file    string
		change  func(file string) error // when it runs
	}{
		{name: "replaced", program: fetch, file: "replaced-client", change: func(file string) error {
			if err := os.WriteFile(file+".new", []byte("another"), 0o755); err != nil {
				return err
			}
			return os.Rename(file+".new", file)
		}},
		{name: "deleted", program: fetch, file: "deleted-client", change: os.Remove},
		{name: "called deleted", program: fetch, file: "called (deleted)"},
		{name: "called deleted, and deleted", program: fetch, file: "gone (deleted)", change: os.Remove},
		{name: "first thread ended", program: headless, file: "headless-client"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), tt.file)
			tt.program.copyTo(t, file)
			for _, by := range []string{"-p", "-n"} {
				t.Run(by, func(t *testing.T) {
					if _, err := os.Stat(file); err != nil || tt.change != nil {
						tt.program.copyTo(t, file)
					}
					target := startFile(t, file, s.env, "-", s.url+"/first", "-", s.url+"/second")
					if tt.change != nil {
						if err := tt.change(file); err != nil {
							t.Fatal(err)
						}
					}
					which := map[string]string{"-p": strconv.Itoa(target.pid), "-n": tt.file}[by]
					tr := startTracing(t, command{flags: []string{by, which}})
					tr.awaitEvent(`"action":"attached"`, 1)
					target.goOn()
					tr.awaitEvent(`"type":"DATA"`, 1)
					target.goOn()
					target.end()
					tr.awaitEvent(`"action":"exit"`, 1)
					tr.signal(syscall.SIGINT)
					r := tr.wait()
					wantPaths(t, r.stream, []string{"/first", "/second"}, "/first", "/second")
					if e := ofPID(t, processEvents(r.stream, "attached"), target.pid); e.Exe != file {
						t.Errorf("exe %q, want %q", e.Exe, file)
					}
				})
			}
		})
	}
	t.Run("first thread ended/run", func(t *testing.T) {
		t.Parallel()
		r := startTracing(t, command{args: []string{headless.path(t), s.url + "/run"}, env: s.env}).wait()
		wantPaths(t, r.stream, []string{"/run"}, "/run")
		wantWhole(t, r, map[string]bool{"/run": true})
	})
	t.Run("first thread ended/check", func(t *testing.T) {
		t.Parallel()
		target := startProgram(t, headless, "-")
		r := invoke(t, invocation{args: []string{"check", "-p", strconv.Itoa(target.pid)}})
		if !strings.Contains(r.stdout, "ok  process "+strconv.Itoa(target.pid)) {
			t.Errorf("check says\n%s", indent(r.stdout))
		}
	})
	t.Run("first thread ended/sockets", func(t *testing.T) { // that are open without TLS
		t.Parallel()
		srv := httptest.NewServer(s)
		t.Cleanup(srv.Close)
		target := startProgram(t, headless, "-", srv.URL+"/before", "-", srv.URL+"/after")
		target.goOn()
		if got := firstLine(t, target.stdout); !strings.HasPrefix(got, "/before") {
			t.Fatalf("got %q", got)
		}
		tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
		tr.awaitEvent(`"action":"attached"`, 1)
		target.goOn()
		target.end()
		list, err := tr.wait().stream.Exchanges()
		if err != nil || len(list) != 1 || list[0].URL != srv.URL+"/after" {
			t.Errorf("exchanges %+v, %v", list, err)
		}
	})
}
