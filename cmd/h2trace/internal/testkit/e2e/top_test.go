package e2e

import (
	"bufio"
	"io"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// startDownload returns a module proxy, and a workspace for a go mod download from it.
func startDownload(t *testing.T) (*modproxy.Server, *modproxy.Workspace) {
	t.Helper()
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 5, 10_000)
	proxy := modproxy.Start(t, a, mods, modproxy.Options{})
	return proxy, modproxy.NewWorkspace(t, a, mods, proxy)
}

// TestTopOnce compares the table of a go mod download with the log of the module proxy.
func TestTopOnce(t *testing.T) {
	t.Parallel()
	needProbes(t)
	proxy, w := startDownload(t)
	r := invoke(t, invocation{
		args: []string{"top", "--once", "--view", "requests", "sh", "-c", `cd "$0" && go mod download && echo done`, w.Dir}, env: w.Env,
	})
	if r.status != 0 || !strings.Contains(r.stderr, "done\n") || strings.Contains(r.stdout, "\x1b") {
		t.Fatalf("exit status %d, stdout\n%s\nstderr\n%s", r.status, indent(r.stdout), indent(r.stderr))
	}
	want := proxy.Requests()
	total := regexp.MustCompile(`(?m)^Requests +0 open, (\d+) done, 0 failed .*/s, mean \d`).FindStringSubmatch(r.stdout)
	if total == nil || total[1] != strconv.Itoa(len(want)) || !strings.Contains(r.stdout, "Lost      nothing\n") {
		t.Errorf("the proxy has %d requests:\n%s", len(want), indent(r.stdout))
	}
	for _, q := range want {
		row := regexp.MustCompile(`(?m)^c\d+ +\d+ +\d+ go +\S+ ` + strconv.Itoa(q.Status) + ` +\S+ +\S+ +\S+ +\S+ GET ` + regexp.QuoteMeta(proxy.URL+q.Path) + `$`)
		if !row.MatchString(r.stdout) {
			t.Errorf("no row %s:\n%s", row, indent(r.stdout))
		}
	}
}

// TestTopOnceOfRunning has the bytes that a client counts, and a request that is in flight at
// the end.
func TestTopOnceOfRunning(t *testing.T) {
	t.Parallel()
	needProbes(t)
	s := startSite(t)
	plain := httptest.NewServer(s)
	t.Cleanup(plain.Close)
	for _, tt := range []struct{ protocol, url string }{{"h2", s.url}, {"http/1.1", plain.URL}} {
		t.Run(tt.protocol, func(t *testing.T) { watchRunning(t, s, tt.protocol, tt.url) })
	}
}

// watchRunning has a client of a site do so with a protocol.
func watchRunning(t *testing.T, s *site, protocol, url string) {
	before := s.requests.Load()
	target := startFile(t, fetch.path(t), s.env, "-", "mute", url+"/numbers", url+"/binary", url+"/events")
	t.Cleanup(func() { _ = target.cmd.Process.Kill() }) // its last request does not end
	cmd := exec.Command(bin(t, "h2trace"), "top", "--once", "--view", "conn", "--duration", patience.String(), "-p", strconv.Itoa(target.pid))
	var stdout strings.Builder
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(stderr)
	if line, err := said.ReadString('\n'); err != nil || !strings.Contains(line, "observing fetch ") {
		t.Errorf("%q, %v", line, err)
	}
	target.goOn()
	await(t, "the last request", func() bool { return s.requests.Load() == before+3 })
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(said)
	if err := cmd.Wait(); err != nil || !regexp.MustCompile(`(?m)^Requests +1 open, 2 done, 0 failed `).MatchString(stdout.String()) {
		t.Fatalf("%v, stdout\n%s\nstderr\n%s", err, indent(stdout.String()), indent(string(rest)))
	}
	// With headers, and settings.
	row := regexp.MustCompile(`(?m)^c\d+ +` + strconv.Itoa(target.pid) + ` fetch +` + protocol + ` +1 +\S+ +\S+ +\S+ +\S+ +2 +0 +(\d+)k +(\d+) +\S+ +\S+ +\S+ +0 ` + regexp.QuoteMeta(url[strings.Index(url, "//")+2:]) + `$`).FindStringSubmatch(stdout.String())
	least := (len(numbersBody) + len(binaryBody)) / 1000
	if row == nil {
		t.Fatalf("no row of the connection:\n%s", indent(stdout.String()))
	}
	if n, _ := strconv.Atoi(row[1]); n < least || n > least+50 {
		t.Errorf("%d kB received, the bodies are %d", n, least)
	}
}
