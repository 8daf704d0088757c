package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// compared is what tests read of the output of h2trace proxies --json.
type compared struct {
	Proxies []struct {
		Proxy             string
		Downloads, Failed int
		Requests          int64
		Failures          map[string]int64
		HTTP              string
		CacheHits         *float64 `json:"cache_hits"`
		Reused            *float64
		Wall              *struct{ Median float64 } `json:"wall_ms"`
		Wait              *struct{ P50 float64 }    `json:"wait_ms"`
		Verdict           struct {
			Cause, Text string
			Evidence    []string
		}
	}
	Order []struct {
		Proxy string
		Rank  int
	}
	GOPROXY string
	Labels  []string
}

// comparing is a run of h2trace proxies.
type comparing struct {
	status         int
	stdout, stderr string
}

// proxiesCommand returns the command that compares proxies.
func proxiesCommand(t testing.TB, w *modproxy.Workspace, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(bin(t, "h2trace"), append([]string{"proxies", "--source", source()}, args...)...)
	cmd.Dir, cmd.Env = w.Dir, w.Env
	return cmd
}

func compareProxies(t testing.TB, w *modproxy.Workspace, args ...string) comparing {
	t.Helper()
	return finish(t, proxiesCommand(t, w, args...))
}

// finish runs a command to its end.
func finish(t testing.TB, cmd *exec.Cmd) (c comparing) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	giveUp := time.AfterFunc(2*patience, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer giveUp.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	c = comparing{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	if c.status < 0 {
		t.Fatalf("%v\n%s", err, indent(c.stderr))
	}
	return c
}

// parsed returns the output as JSON.
func (c comparing) parsed(t testing.TB) (v compared) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.stdout), &v); err != nil {
		t.Fatalf("%v\n%s\n%s", err, indent(c.stdout), indent(c.stderr))
	}
	return v
}

// faulty are proxies that are wrong in one way each, and what is said of them.
var faulty = []struct {
	name    string
	handle  http.HandlerFunc // nil: that of a good proxy
	class   string           // of failures
	cause   string           // of the verdict, "" for any: a busy machine may be one
	text    string           // in the verdict
	failing bool
}{
	{name: "good"},
	{name: "502", handle: answer(http.StatusBadGateway, "text/plain", "bad gateway\n"), class: "http_5xx", cause: "errors", text: "502", failing: true},
	{name: "hangs", handle: hang, class: "timeout", cause: "server_wait", failing: true},
	{name: "HTML", handle: answer(http.StatusOK, "text/html", "<!DOCTYPE html>\n<title>Sign in</title>\n"), class: "protocol", cause: "errors", failing: true},
	{name: "401", handle: answer(http.StatusUnauthorized, "text/plain", "credentials are required\n"), class: "http_4xx", cause: "errors", text: "401", failing: true},
	{name: "lies about lengths", handle: lie, class: "protocol", cause: "errors", failing: true},
}

// TestProxiesOrder compares two equal proxies with one that is much slower. Only what the
// noise allows is said: four downloads of each tell two proxies apart, and three do not.
func TestProxiesOrder(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 1, 1000)
	late := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(1500 * time.Millisecond)
			next.ServeHTTP(w, r)
		})
	}
	fast, equal := modproxy.Start(t, a, mods, modproxy.Options{}), modproxy.Start(t, a, mods, modproxy.Options{})
	slow := modproxy.Start(t, a, mods, modproxy.Options{Wrap: late})
	w := modproxy.NewWorkspace(t, a, mods, slow, fast)

	v := compareProxies(t, w, "-n", "4", "--json", "--label", "place=here").parsed(t) // those of GOPROXY
	if len(v.Order) != 2 || v.Order[0].Proxy != fast.URL || v.Order[1].Proxy != slow.URL || v.Order[1].Rank != 2 {
		t.Errorf("got order %+v, want %s before %s", v.Order, fast.URL, slow.URL)
	}
	if want := "go env -w GOPROXY=" + fast.URL + "," + slow.URL; v.GOPROXY != want {
		t.Errorf("got %q, want %q", v.GOPROXY, want)
	}
	if !slices.Equal(v.Labels, []string{"place=here"}) {
		t.Errorf("got labels %q", v.Labels)
	}
	c := compareProxies(t, w, "-n", "3", fast.URL, equal.URL)
	want := "\n  no difference that the noise allows between "
	if !strings.Contains(c.stdout, want) || strings.Contains(c.stdout, " times as long as ") ||
		!strings.Contains(c.stdout, "; it takes 4 downloads of each to see one\n") {
		t.Errorf("two equal proxies are ordered\n%s", indent(c.stdout))
	}
}

// TestProxiesDirect compares a proxy with git.
func TestProxiesDirect(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := []modproxy.Module{{Path: "example.test/repo.git", Version: "v1.0.0"}}
	good := modproxy.Start(t, a, mods, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, mods, good)
	env := append(w.Env[:len(w.Env):len(w.Env)], "GOPROXY="+good.URL+"|direct",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+newRepository(t)+".insteadOf", "GIT_CONFIG_VALUE_0=https://example.test/repo")
	cmd := proxiesCommand(t, w, "-n", "1", "--json")
	cmd.Env = env
	c := finish(t, cmd)
	v := c.parsed(t)
	if c.status != 0 || len(v.Proxies) != 2 {
		t.Fatalf("exit status %d\n%s\n%s", c.status, indent(c.stdout), indent(c.stderr))
	}
	if p := v.Proxies[0]; p.Proxy != good.URL || p.Failed != 0 || p.Requests != 3 {
		t.Errorf("got %+v, want %s with 3 requests", p, good.URL)
	}
	if p := v.Proxies[1]; p.Proxy != "direct" || p.Failed != 0 || p.Requests != 0 || p.Wall == nil {
		t.Errorf("got %+v, want direct without requests", p)
	}
	if want := "go env -w GOPROXY=" + good.URL + ",direct"; v.GOPROXY != want {
		t.Errorf("got %q, want %q", v.GOPROXY, want)
	}
	// GONOPROXY has the modules fetched directly, so that there is nothing to compare.
	cmd = proxiesCommand(t, w, "-n", "1")
	cmd.Env = append(env[:len(env):len(env)], "GONOPROXY=example.test")
	if c := finish(t, cmd); c.status != 2 || !strings.Contains(c.stderr, "GONOPROXY has all of these modules fetched directly") {
		t.Errorf("exit status %d\n%s", c.status, indent(c.stderr))
	}
}

// TestProxiesInterrupted interrupts a comparison while a proxy hangs. What was measured is
// printed, and nothing is left.
func TestProxiesInterrupted(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 1, 1000)
	asked := make(chan struct{}, 100)
	hanging := modproxy.Start(t, a, mods, modproxy.Options{Wrap: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			hang(w, r)
		})
	}})
	good := modproxy.Start(t, a, mods, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, mods, good)
	tmp := t.TempDir()
	cmd := proxiesCommand(t, w, good.URL, hanging.URL)
	cmd.Env = append(w.Env[:len(w.Env):len(w.Env)], "TMPDIR="+tmp)
	go func() {
		select {
		case <-asked:
			_ = cmd.Process.Signal(os.Interrupt)
		case <-t.Context().Done():
		}
	}()
	c := finish(t, cmd)
	if c.status != 0 || !strings.Contains(c.stdout, "  1 of 1  ") || strings.Contains(c.stdout, hanging.URL) {
		t.Errorf("exit status %d\n%s\n%s", c.status, indent(c.stdout), indent(c.stderr))
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left in TMPDIR: %v (%v)", left, err)
	}
}

// TestProxiesDegraded compares a proxy over a bad network with one that is not reached.
func TestProxiesDegraded(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/small", 6, 2000)
	for _, tt := range []struct {
		flags       []string
		status      int
		cause, text string
	}{
		{[]string{"-delay", "200ms"}, 0, "server_wait", "far away"},
		{[]string{"-status", "503"}, 1, "errors", "503"},
		{[]string{"-dns-fail"}, 1, "dns", "could not be resolved"},
	} {
		t.Run(tt.cause, func(t *testing.T) {
			origin := modproxy.Start(t, a, mods, modproxy.Options{})
			w := modproxy.NewWorkspace(t, a, mods, origin)
			inside := proxiesCommand(t, w, "-n", "1", "--json")
			cmd := exec.Command(bin(t, "degrade"), slices.Concat([]string{"-origin", origin.URL}, tt.flags, []string{"--"}, inside.Args)...)
			cmd.Dir, cmd.Env = inside.Dir, inside.Env
			c := finish(t, cmd)
			v := c.parsed(t)
			if c.status != tt.status || len(v.Proxies) != 1 || v.Proxies[0].Proxy != "https://goproxy.example" {
				t.Fatalf("exit status %d\n%s\n%s", c.status, indent(c.stdout), indent(c.stderr))
			}
			if got := v.Proxies[0].Verdict; got.Cause != tt.cause || !strings.Contains(got.Text, tt.text) {
				t.Errorf("got %s: %s, want %s with %q", got.Cause, got.Text, tt.cause, tt.text)
			}
		})
	}
}

// TestProxiesEditor has an editor work through a good proxy and through one that fails.
func TestProxiesEditor(t *testing.T) {
	needProbes(t)
	gopls := buildGopls(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Graph("example.test/m", 3, 1, 2000)
	good := modproxy.Start(t, a, mods, modproxy.Options{})
	bad := modproxy.Start(t, a, mods, modproxy.Options{Status: http.StatusBadGateway})
	w := modproxy.NewWorkspace(t, a, mods, good)
	keep := filepath.Join(w.Dir, "kept")
	cmd := proxiesCommand(t, w, "-n", "1", "--json", "--profile", "editor", "--keep", keep, good.URL, bad.URL)
	c := finish(t, cmd)
	if c.status != 1 || !strings.Contains(c.stderr, "install it with: go install golang.org/x/tools/gopls@latest\n") {
		t.Errorf("without gopls: exit status %d\n%s", c.status, indent(c.stderr))
	}
	cmd = proxiesCommand(t, w, cmd.Args[4:]...)
	cmd.Env = append(w.Env[:len(w.Env):len(w.Env)], "PATH="+os.Getenv("PATH")+":"+filepath.Dir(gopls))
	c = finish(t, cmd)
	v := c.parsed(t)
	if c.status != 0 || len(v.Proxies) != 2 || v.Proxies[0].Failed != 0 || v.Proxies[1].Failed != 1 {
		t.Fatalf("exit status %d\n%s\n%s", c.status, indent(c.stdout), indent(c.stderr))
	}
	if got := v.Proxies[1].Verdict.Text; !strings.Contains(got, "502") {
		t.Errorf("got verdict %s, want that of 502", got)
	}
	// go get, go mod tidy and gopls have each fetched every module.
	fetched := make(map[string]int)
	for _, e := range readExchanges(t, filepath.Join(keep, "proxy1-run1.jsonl")) {
		if strings.HasSuffix(e.URL, ".zip") {
			fetched[e.URL]++
		}
	}
	if len(fetched) != len(mods) {
		t.Errorf("got zips of %d modules, want %d", len(fetched), len(mods))
	}
	for url, n := range fetched {
		if n != 3 {
			t.Errorf("%s was fetched %d times, want 3", url, n)
		}
	}
}
