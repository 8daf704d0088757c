//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/decoder/goproxy"
	"h2trace/export/report"
	"h2trace/scripts/goreleases"
)

// TestGoLogs has go commands of several releases print what they do with -x, and compares the
// report of that with the logs of the proxies that they asked.
func TestGoLogs(t *testing.T) {
	a := modproxy.NewAuthority(t)
	mods := append(modproxy.Graph("example.test/graph", 6, 2, 3000), modproxy.Modules("example.test/one", 2, 1000)...)
	tests := []struct {
		name    string
		args    []string
		require []modproxy.Module
		start   func(t *testing.T) []*modproxy.Server
		fails   bool
		cause   report.Cause
		text    string
	}{
		{
			name: "download", args: []string{"mod", "download", "-x", "all"}, require: mods[:1], cause: report.Healthy,
			start: func(t *testing.T) []*modproxy.Server {
				return []*modproxy.Server{modproxy.Start(t, a, mods, modproxy.Options{})}
			},
		},
		{
			name: "fallback", args: []string{"mod", "download", "-x"}, require: mods[6:], cause: report.Healthy,
			start: func(t *testing.T) []*modproxy.Server {
				return []*modproxy.Server{
					modproxy.Start(t, a, nil, modproxy.Options{Base: "/repo"}), modproxy.Start(t, a, mods[:7], modproxy.Options{Gone: true}),
					modproxy.Start(t, a, mods, modproxy.Options{}),
				}
			},
		},
		{
			name: "get", args: []string{"get", "-x", "example.test/one/m000@latest"}, cause: report.Healthy,
			start: func(t *testing.T) []*modproxy.Server {
				return []*modproxy.Server{modproxy.Start(t, a, mods, modproxy.Options{})}
			},
		},
		{
			name: "missing", args: []string{"mod", "download", "-x", "example.test/no@v1.0.0"}, fails: true, cause: report.Errors, text: "answered 404 Not Found",
			start: func(t *testing.T) []*modproxy.Server {
				return []*modproxy.Server{modproxy.Start(t, a, mods, modproxy.Options{})}
			},
		},
		{
			name: "broken", args: []string{"mod", "download", "-x"}, require: mods[6:], fails: true, cause: report.Errors, text: "answered 503 Service Unavailable",
			start: func(t *testing.T) []*modproxy.Server {
				return []*modproxy.Server{modproxy.Start(t, a, mods, modproxy.Options{Status: 503})}
			},
		},
	}
	for _, release := range goReleases(t) {
		for _, tt := range tests {
			t.Run(release.name+"/"+tt.name, func(t *testing.T) {
				servers := tt.start(t)
				log := goLog(t, release, modproxy.NewWorkspace(t, a, tt.require, servers...), tt.fails, tt.args...)
				b := report.NewBuilder()
				if err := b.Read(strings.NewReader(log)); err != nil {
					t.Fatal(err)
				}
				r := b.Report()
				if r.Verdict.Cause != tt.cause || !strings.Contains(r.Verdict.Text, tt.text) {
					t.Errorf("got %+v, want %s with %q", r.Verdict, tt.cause, tt.text)
				}
				compareWithServers(t, r, servers, release.asksTwice)
				if t.Failed() {
					t.Log(log)
				}
			})
		}
	}
}

// goRelease is a go command.
type goRelease struct {
	name, root string
	// asksTwice says that it repeats an https request that is answered with 4xx, with
	// credentials if it has some. The log has one line for both. Go 1.24 and later do.
	asksTwice bool
}

// goReleases returns the releases in the module cache, with the one of PATH.
func goReleases(t *testing.T) []goRelease {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, cache, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	list := []goRelease{{"installed", root, true}}
	for _, name := range goreleases.Few {
		dir := filepath.Join(cache, "golang.org", "toolchain@v0.0.1-"+name+".linux-amd64")
		if _, err := os.Stat(filepath.Join(dir, "bin", "go")); err != nil {
			t.Logf("%s is not in the module cache", name)
			continue
		}
		list = append(list, goRelease{name, dir, name >= "go1.24"})
	}
	return list
}

// goLog returns the stderr of a go command.
func goLog(t *testing.T, release goRelease, w *modproxy.Workspace, fails bool, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(release.root, "bin", "go"), args...)
	cmd.Dir, cmd.Env = w.Dir, append(w.Env[:len(w.Env):len(w.Env)], "GOROOT="+release.root)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); (err != nil) != fails {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return stderr.String()
}

// compareWithServers compares a report with the requests that the servers answered: by proxy
// their number and failures, their kinds, and the requests for each module.
func compareWithServers(t *testing.T, r *report.Report, servers []*modproxy.Server, asksTwice bool) {
	t.Helper()
	type counts struct {
		Requests int64
		Failures map[string]int64
	}
	count := func(into map[string]counts, name string, status int) {
		c := into[name]
		if c.Failures == nil {
			c.Failures = map[string]int64{}
		}
		c.Requests++
		if status >= 400 {
			c.Failures[fmt.Sprintf("http_%dxx", status/100)]++
		}
		into[name] = c
	}
	got, want := map[string]counts{}, map[string]counts{}
	for _, p := range r.Proxies {
		got[p.Proxy] = counts{p.Requests, p.Failures}
	}
	for _, k := range r.Kinds {
		got[k.Kind] = counts{k.Requests, k.Failures}
	}
	for _, m := range r.Modules {
		got[m.Path+"@"+m.Version] = counts{Requests: m.Requests}
	}
	for _, s := range servers {
		var twice map[string]bool
		for _, q := range s.Requests() {
			if asksTwice && q.Status/100 == 4 {
				if twice[q.Path] {
					delete(twice, q.Path)
					continue
				}
				if twice == nil {
					twice = map[string]bool{}
				}
				twice[q.Path] = true
			}
			asked, ok := goproxy.Parse(q.Path)
			if !ok {
				t.Fatalf("%s is no request to a module proxy", q.Path)
			}
			if asked.Kind == goproxy.List {
				q.Status = http.StatusOK // go get asks for the lists of all parents: that these are no modules is no failure
			}
			count(want, s.URL, q.Status)
			count(want, string(asked.Kind), q.Status)
			if asked.Kind == goproxy.Info || asked.Kind == goproxy.Mod || asked.Kind == goproxy.Zip {
				name := asked.Path + "@" + asked.Version
				c := want[name]
				c.Requests++
				want[name] = c
			}
		}
		if len(twice) > 0 {
			t.Errorf("asked once only: %v", twice)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-proxies +report:\n%s", diff)
	}
	if l := r.Logs; l == nil || l.Unended != 0 || r.SkippedLines != 0 {
		t.Errorf("got %+v, %d skipped lines", l, r.SkippedLines)
	}
}
