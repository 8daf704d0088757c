package e2e

import (
	"path"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
)

// atExit is for the go command, which exits while connections are open.
var atExit = oracle.Options{Tail: true}

func TestModuleDownloads(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	start := func(mods []modproxy.Module, opt modproxy.Options) *modproxy.Server {
		return modproxy.Start(t, a, mods, opt)
	}
	one := modproxy.Modules("example.test/one", 1, 100)
	small := modproxy.Modules("example.test/small", 80, 200)
	big := modproxy.Modules("example.test/big", 4, 6<<20)
	graph := modproxy.Graph("example.test/graph", 30, 3, 3000)
	mixed := append(modproxy.Modules("example.test/mixed/a", 10, 0), modproxy.Modules("example.test/mixed/b", 3, 1<<20)...)

	zips := start(mixed, modproxy.Options{})
	redirecting := start(mixed, modproxy.Options{RedirectZips: strings.Replace(zips.URL, "localhost", "127.0.0.1", 1)})
	tests := []struct {
		name    string
		require []modproxy.Module
		args    []string
		proxies []*modproxy.Server
		fails   bool // go mod download exits with 1
	}{
		{name: "one module", require: one, proxies: []*modproxy.Server{start(one, modproxy.Options{})}},
		{name: "many at once", require: small, proxies: []*modproxy.Server{start(small, modproxy.Options{})}},
		{name: "big zips", require: big, proxies: []*modproxy.Server{start(big, modproxy.Options{})}},
		{name: "dependency graph", require: graph[:1], args: []string{"all"}, proxies: []*modproxy.Server{start(graph, modproxy.Options{})}},
		{name: "redirects to another host", require: mixed, proxies: []*modproxy.Server{redirecting}},
		{name: "fallback after 404 and 410", require: mixed, proxies: []*modproxy.Server{
			start(nil, modproxy.Options{}), start(mixed[:5], modproxy.Options{Gone: true}), start(mixed, modproxy.Options{}),
		}},
		{name: "not found anywhere", require: one, proxies: []*modproxy.Server{start(nil, modproxy.Options{})}, fails: true},
		{name: "latest", args: []string{one[0].Path + "@latest"}, proxies: []*modproxy.Server{start(one, modproxy.Options{})}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := modproxy.NewWorkspace(t, a, tt.require, tt.proxies...)
			r := startTracing(t, command{
				args: append([]string{"go", "mod", "download"}, tt.args...), dir: w.Dir, env: debugEnv(w.Env),
			}).wait()
			want := 0
			if tt.fails {
				want = 1
			}
			if r.status != want {
				t.Fatalf("exit status %d, want %d\n%s", r.status, want, indent(messagesOf(r.stderr)))
			}
			pairs := verify(t, r, atExit)
			for _, p := range tt.proxies {
				checkServed(t, p, pairs)
			}
		})
	}
}

// checkServed requires that every request to which a proxy responded is in the trace.
func checkServed(t *testing.T, s *modproxy.Server, pairs []*oracle.Pair) {
	t.Helper()
	traced := make(map[string]int)
	for _, p := range pairs {
		for _, e := range p.Trace.Frames {
			for _, h := range e.Headers {
				if h.Name == ":path" && e.Dir == "send" {
					traced[path.Clean(h.Value)]++
				}
			}
		}
	}
	for _, r := range s.Requests() {
		if r.Proto != "HTTP/2.0" {
			t.Errorf("%s came over %s, want HTTP/2.0", r.Path, r.Proto)
		}
		if traced[r.Path] == 0 {
			t.Errorf("%s was answered and is not in the trace", r.Path)
		}
	}
}
