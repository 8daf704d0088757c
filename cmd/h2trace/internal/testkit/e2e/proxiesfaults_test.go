package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// answer returns a handler that gives the same answer to everything.
func answer(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// hang answers when nobody is there any more.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// lie promises more bytes than it sends.
func lie(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte("{"))
}

// TestProxiesFaulty compares proxies that are wrong in one way each with a good one. Each
// gets its row and its verdict, and only the good one is suggested.
func TestProxiesFaulty(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 2, 50_000)
	args := []string{"-n", "1", "--timeout", "10s", "--json"}
	var servers []*modproxy.Server
	for _, f := range faulty {
		opt := modproxy.Options{}
		if f.handle != nil {
			opt.Wrap = func(http.Handler) http.Handler { return f.handle }
		}
		servers = append(servers, modproxy.Start(t, a, mods, opt))
		args = append(args, servers[len(servers)-1].URL)
	}
	w := modproxy.NewWorkspace(t, a, mods, servers[0])
	c := compareProxies(t, w, args...)
	v := c.parsed(t)
	if c.status != 0 || len(v.Proxies) != len(faulty) {
		t.Fatalf("exit status %d, %d proxies\n%s\n%s", c.status, len(v.Proxies), indent(c.stdout), indent(c.stderr))
	}
	for i, f := range faulty {
		row := v.Proxies[i]
		if row.Proxy != servers[i].URL || row.Downloads != 1 || row.Failed != map[bool]int{true: 1}[f.failing] {
			t.Errorf("%s: got %+v", f.name, row)
		}
		if (row.Failures[f.class] == 0) != (f.class == "") || f.class == "" && len(row.Failures) > 0 {
			t.Errorf("%s: got failures %v, want %q", f.name, row.Failures, f.class)
		}
		if f.cause != "" && row.Verdict.Cause != f.cause || !strings.Contains(row.Verdict.Text, f.text) {
			t.Errorf("%s: got verdict %s: %s, want %s with %q", f.name, row.Verdict.Cause, row.Verdict.Text, f.cause, f.text)
		}
	}
	if html := v.Proxies[3].Verdict.Evidence; !slices.ContainsFunc(html, func(s string) bool { return strings.Contains(s, "HTML") }) {
		t.Errorf("HTML: got evidence %q", html)
	}
	if want := "go env -w GOPROXY=" + servers[0].URL; v.GOPROXY != want {
		t.Errorf("got %q, want %q", v.GOPROXY, want)
	}
	if t.Failed() {
		t.Logf("%s\n%s", indent(c.stdout), indent(c.stderr))
	}
}

// TestProxiesFailing compares a proxy that has the modules with one that has none and with
// one that is unreachable, two downloads at once, for people.
func TestProxiesFailing(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 2, 50_000)
	good := modproxy.Start(t, a, mods, modproxy.Options{})
	empty := modproxy.Start(t, a, nil, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, nil, good)
	list := filepath.Join(w.Dir, "list")
	var lines strings.Builder
	lines.WriteString("# what to download\n")
	for i, m := range mods {
		fmt.Fprintf(&lines, "%s%s%s\n", m.Path, [...]string{"@", " "}[i], m.Version)
	}
	if err := os.WriteFile(list, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	keep := filepath.Join(w.Dir, "kept")
	c := compareProxies(t, w, "-n", "2", "-j", "2", "--modules", list, "--keep", keep, good.URL, empty.URL, "https://127.0.0.1:1")
	files, err := filepath.Glob(filepath.Join(keep, "proxy[123]-run[12].jsonl"))
	if c.status != 0 || err != nil || len(files) != 6 {
		t.Errorf("exit status %d, and %d recordings, want 6 (%v)", c.status, len(files), err)
	}
	for _, file := range files {
		checkEventsFile(t, file)
	}
	bare := func(s *modproxy.Server) string { return strings.TrimPrefix(s.URL, "https://") }
	for _, row := range []string{
		"6 downloads of 2 modules of " + list + ", 2 at once, through 3 proxies by turns\n",
		"\n  " + bare(good) + "  2 of 2  ",
		"\n  " + bare(empty) + "  0 of 2  ",
		"\n  127.0.0.1:1 ",
		"% http_4xx\n", "100% connect\n",
		empty.URL + ": errors: " + empty.URL + " answered 404 Not Found",
		"\ngo env -w GOPROXY=" + good.URL + "\n",
	} {
		if !strings.Contains(c.stdout, row) {
			t.Errorf("no %q in the output", row)
		}
	}
	if t.Failed() {
		t.Logf("%s\n%s", indent(c.stdout), indent(c.stderr))
	}
}

// TestProxiesOdd has a proxy whose zips come from a cache, one that speaks HTTP/1.1 without
// TLS, and one that wants credentials. These are in its URL, and nowhere in the output.
func TestProxiesOdd(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 1, 1000)
	zips := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Cache", "MISS")
			if strings.HasSuffix(r.URL.Path, ".zip") {
				w.Header().Set("X-Cache", "HIT")
			}
			next.ServeHTTP(w, r)
		})
	}
	guarded := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name, password, _ := r.BasicAuth(); name != "user" || password != "hunter2" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	cached := modproxy.Start(t, a, mods, modproxy.Options{Wrap: zips})
	plain := modproxy.Start(t, a, mods, modproxy.Options{Plain: true})
	private := modproxy.Start(t, a, mods, modproxy.Options{Wrap: guarded})
	w := modproxy.NewWorkspace(t, a, mods, cached)
	c := compareProxies(t, w, "-n", "1", "--json", cached.URL, plain.URL, strings.Replace(private.URL, "://", "://user:hunter2@", 1))
	v := c.parsed(t)
	if c.status != 0 || len(v.Proxies) != 3 {
		t.Fatalf("exit status %d\n%s\n%s", c.status, indent(c.stdout), indent(c.stderr))
	}
	if hits := v.Proxies[0].CacheHits; hits == nil || *hits < 0.3 || *hits > 0.4 {
		t.Errorf("want a third of the responses from a cache: %s", c.stdout)
	}
	if p := v.Proxies[1]; p.Proxy != plain.URL || p.CacheHits != nil || p.HTTP != "http/1.1" || p.Failed != 0 {
		t.Errorf("want %s with HTTP/1.1, without cache: %+v", plain.URL, p)
	}
	if p := v.Proxies[2]; p.Proxy != private.URL || p.HTTP != "h2" || p.Failed != 0 {
		t.Errorf("want %s with its credentials: %+v", private.URL, p)
	}
	if strings.Contains(c.stdout+c.stderr, "hunter2") {
		t.Errorf("credentials in the output\n%s\n%s", c.stdout, c.stderr)
	}
	netrc := filepath.Join(filepath.Dir(w.Dir), "home", ".netrc")
	machine := strings.TrimPrefix(private.URL, "https://")
	if err := os.WriteFile(netrc, []byte("machine "+machine+" login user password hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := compareProxies(t, w, "-n", "1", private.URL); c.status != 0 || strings.Contains(c.stdout+c.stderr, "hunter2") {
		t.Errorf("with .netrc: exit status %d\n%s\n%s", c.status, indent(c.stdout), indent(c.stderr))
	}
}
