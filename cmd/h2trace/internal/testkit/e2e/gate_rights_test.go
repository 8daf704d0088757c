package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// TestNotAllowed has a user without the right to hold: h2trace says so once, and
// observes.
func TestNotAllowed(t *testing.T) {
	needProbes(t)
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("needs setpriv of util-linux")
	}
	s := startSite(t)
	events := filepath.Join(t.TempDir(), "events.jsonl")
	drop := []string{"--bounding-set=-sys_admin", "--", bin(t, "h2trace")}
	cmd := exec.Command(setpriv, append(drop, "-o", events, "--", fetch.path(t), s.url+"/")...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "not held until their probes are in place"); n != 1 {
		t.Errorf("%d messages:\n%s", n, out)
	}
	checkEventsFile(t, events)
	if lines(events, `"joined":"start"`) == 0 {
		t.Error("COMMAND itself was not seen from its start")
	}
	out, err = exec.Command(setpriv, append(drop, "check")...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "no  hold executables at exec (fanotify): fanotify_init: operation not permitted\n") {
		t.Errorf("check: %v\n%s", err, out)
	}
}

// TestFreshWithoutLease has a user who gets no leases on the files of others, so that
// no probe may outlive its process.
func TestFreshWithoutLease(t *testing.T) {
	needProbes(t)
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("needs setpriv of util-linux")
	}
	s := startSite(t)
	dir := t.TempDir()
	file, events := filepath.Join(dir, "fresh"), filepath.Join(dir, "events.jsonl")
	fetch.copyTo(t, file)
	const nobody = 65534
	if err := os.Chown(file, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("for i in 1 2 3; do %s %s/$i; done", file, s.url)
	cmd := exec.Command(setpriv, "--bounding-set=-lease", "--", bin(t, "h2trace"), "-o", events, "--", "sh", "-c", script)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := contract.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	wantWhole(t, &result{stream: stream, stderr: string(out)}, map[string]bool{"/1": true, "/2": true, "/3": true})
}
