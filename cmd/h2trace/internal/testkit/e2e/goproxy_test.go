package e2e

import (
	"encoding/json"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestGOPROXY downloads through a list of proxies whose base paths could be part of
// module paths, once from the environment, and once from the file that "go env -w"
// writes.
func TestGOPROXY(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/listed", 2, 1000)
	lacking := modproxy.Start(t, a, mods[:1], modproxy.Options{Base: "/repo.v1"})
	broken := modproxy.Start(t, a, nil, modproxy.Options{Base: "/repo.v1/inner", Status: 503})
	full := modproxy.Start(t, a, mods, modproxy.Options{})
	refused := "https://" + closedAddr(t) + "/gone"
	list := refused + "|" + strings.Replace(lacking.URL, "://", "://user:hunter2@", 1) + "," + broken.URL + "|" + full.URL + ",off"
	for _, from := range []string{"environment", "file"} {
		t.Run(from, func(t *testing.T) {
			w := modproxy.NewWorkspace(t, a, mods)
			env := append(w.Env[:len(w.Env):len(w.Env)], "GOPROXY="+list)
			if from == "file" {
				file := filepath.Join(t.TempDir(), "goenv")
				if err := os.WriteFile(file, []byte("GOPROXY="+list+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				env = append(env, "GOPROXY=", "GOENV="+file)
			}
			tr := startTracing(t, command{args: []string{"go", "mod", "download"}, dir: w.Dir, env: env})
			r := tr.wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
			}
			list, err := r.stream.Exchanges()
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				checkEntry(t, e, lacking, broken, full)
			}
			if raw, _ := os.ReadFile(tr.events); strings.Contains(string(raw), "hunter2") {
				t.Error("the password of GOPROXY was printed")
			}
			for _, e := range r.stream.Of("conn") {
				var said struct{ Proxy, Next string }
				if err := json.Unmarshal([]byte(e.Raw), &said); err != nil {
					t.Fatal(err)
				}
				if e.Action == "failed" && (said.Proxy != refused || said.Next != lacking.URL) {
					t.Errorf("%s: want proxy %s, next %s", e.Raw, refused, lacking.URL)
				}
			}
			checkFallbacks(t, tr.events, refused, lacking, broken, full)
		})
	}
}

// checkEntry compares the reported entry of GOPROXY with the server.
func checkEntry(t *testing.T, e contract.Exchange, servers ...*modproxy.Server) {
	t.Helper()
	u, err := url.Parse(e.URL)
	if err != nil || e.Module == nil {
		t.Fatalf("%s: %v, module %v", e.URL, err, e.Module)
	}
	for i, s := range servers {
		if !strings.Contains(s.URL, "://"+u.Host) {
			continue
		}
		var next string
		if e.Status >= 400 {
			next = servers[i+1].URL // the last one serves everything
		}
		if e.Module.Proxy != s.URL || e.Module.Next != next || !strings.HasPrefix(e.Module.Path, "example.test/listed/") {
			t.Errorf("%s, %d: got %+v, want proxy %s, next %q", e.URL, e.Status, *e.Module, s.URL, next)
		}
		return
	}
	t.Errorf("%s is of no server", e.URL)
}

// closedAddr returns an address of loopback that refuses connections.
func closedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// checkFallbacks compares the report with the responses of the servers: the go
// command asked the next one for what one lacked, and for everything that the
// refusing one had.
func checkFallbacks(t *testing.T, events, refused string, servers ...*modproxy.Server) {
	t.Helper()
	type fallback struct {
		From, Why, To string
		Count         int
	}
	var got struct {
		Fallbacks []fallback
		Proxies   []struct{ Proxy string }
	}
	if err := json.Unmarshal([]byte(reported(t, events).whole), &got); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, r := range servers[0].Requests() {
		all[r.Path] = true
	}
	want := []fallback{{refused, "connect", servers[0].URL, len(all)}}
	for i, why := range []string{"404", "503"} {
		asked := map[string]bool{}
		for _, r := range servers[i].Requests() {
			if r.Status >= 400 {
				asked[r.Path] = true
			}
		}
		want = append(want, fallback{servers[i].URL, why, servers[i+1].URL, len(asked)})
	}
	byServer := map[string]int{}
	for i, f := range want {
		byServer[f.From] = i
	}
	sorted := make([]fallback, len(want))
	for _, f := range got.Fallbacks {
		if i, ok := byServer[f.From]; ok {
			sorted[i] = f
		}
	}
	if diff := cmp.Diff(want, sorted); diff != "" || len(got.Fallbacks) != len(want) || len(got.Proxies) != len(servers)+1 {
		t.Errorf("-want +got:\n%s\n%+v", diff, got)
	}
}
