package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestComplaint has the go command complain about a proxy's response, and looks for
// the exchange in question.
func TestComplaint(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/faulty", 3, 5000)
	whole := modproxy.Start(t, a, mods, modproxy.Options{Base: "/repo.v1"})
	cutting := modproxy.Start(t, a, mods, modproxy.Options{Base: "/repo.v1", CutZips: true})
	const wrong = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for _, tt := range []struct {
		name, sum, file string
		class           string
		version         string
		proxy           *modproxy.Server
	}{
		{"module", "example.test/faulty/m001 v1.0.0 " + wrong, "v1.0.0.zip", "checksum", "v1.0.0", whole},
		{"go.mod", "example.test/faulty/m001 v1.0.0/go.mod " + wrong, "v1.0.0.mod", "checksum", "v1.0.0", whole},
		{"not found", "", "v1.0.1.info", "http_4xx", "v1.0.1", whole},
		{"cut", "", "v1.0.0.zip", "reset", "v1.0.0", cutting},
		{"cut, HTTP/1.1", "", "v1.0.0.zip", "reset", "v1.0.0", cutting},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.proxy
			w := modproxy.NewWorkspace(t, a, mods, s)
			if err := os.WriteFile(filepath.Join(w.Dir, "go.sum"), []byte(tt.sum+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			env := w.Env
			if strings.HasSuffix(tt.name, "HTTP/1.1") {
				env = append(env, "GODEBUG=http2client=0")
			}
			tr := startTracing(t, command{args: []string{"go", "mod", "download", "example.test/faulty/m001@" + tt.version}, dir: w.Dir, env: env})
			r := tr.wait()
			if r.status != 1 {
				t.Fatalf("exit status %d, want 1\n%s", r.status, indent(r.stderr))
			}
			url := s.URL + "/example.test/faulty/m001/@v/" + tt.file
			type request struct {
				Conn       string
				Stream     uint32
				URL, Proxy string
			}
			want := map[request]bool{}
			for _, e := range readExchanges(t, tr.events) {
				if e.URL == url {
					want[request{e.Conn, e.Stream, url, s.URL}] = true
				}
			}
			said := 0
			for _, e := range r.stream.Of("process") {
				var p struct {
					Action   string
					Error    struct{ Class string }
					Requests []request
				}
				if err := json.Unmarshal([]byte(e.Raw), &p); err != nil {
					t.Fatal(err)
				}
				if p.Action != "error" || p.Error.Class != tt.class {
					continue
				}
				said++
				if len(p.Requests) == 0 || len(p.Requests) != len(want) {
					t.Errorf("it speaks of %d requests, want %d: %s", len(p.Requests), len(want), e.Raw)
				}
				for _, q := range p.Requests {
					if !want[q] {
						t.Errorf("it speaks of %+v, want one of %v", q, want)
					}
				}
			}
			if said == 0 {
				t.Errorf("no error of class %s\n%s", tt.class, indent(r.stderr))
			}
			checkBlamed(t, tr.events, s.URL, tt.class)
		})
	}
}

// checkBlamed requires that the report attributes the failure to the proxy.
func checkBlamed(t *testing.T, events, proxy, class string) {
	t.Helper()
	var report struct {
		Proxies []struct {
			Proxy    string
			Failures map[string]int
		}
	}
	if err := json.Unmarshal([]byte(reported(t, events).whole), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Proxies) != 1 || report.Proxies[0].Proxy != proxy || report.Proxies[0].Failures[class] == 0 {
		t.Errorf("got %+v, want %s of %s", report.Proxies, class, proxy)
	}
}
