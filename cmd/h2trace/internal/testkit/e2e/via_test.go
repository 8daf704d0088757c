package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// viaEvent holds the fields of a conn event that these tests read.
type viaEvent struct {
	Conn, Action, Local, Via, Protocol string
	TLS                                struct {
		SNI      string
		Offered  []string `json:"offered_alpn"`
		Versions []string `json:"offered_versions"`
	}
	Error *struct{ Class, Detail string }
}

// TestVia downloads through HTTP proxies, and from a module proxy that needs none.
// The HTTP proxies know which connections were theirs.
func TestVia(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/via", 4, 20000)
	behind := modproxy.Start(t, a, mods[:2], modproxy.Options{})
	beside := modproxy.Start(t, a, mods, modproxy.Options{})
	const name = "https://goproxy.example"
	for _, tt := range []struct {
		scheme, host string
		inner        *modproxy.Authority
	}{
		{"http", "127.0.0.1", nil},
		{"http", "localhost", nil},
		{"https", "localhost", a},
	} {
		t.Run(tt.scheme+" "+tt.host, func(t *testing.T) {
			p := startRelay(t, tt.inner, behind.URL, 0)
			_, port, _ := net.SplitHostPort(p.addr)
			host := tt.host + ":" + port
			want := tt.scheme + "://" + host
			w := modproxy.NewWorkspace(t, a, mods)
			env := append(debugEnv(w.Env), "GOPROXY="+name+","+beside.URL, "HTTPS_PROXY="+tt.scheme+"://user:hunter2@"+host)
			tr := startTracing(t, command{args: []string{"go", "mod", "download"}, dir: w.Dir, env: env})
			r := tr.wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			verify(t, r, atExit)
			exchanges := readExchanges(t, tr.events)
			got, connects := 0, 0
			for _, e := range exchanges {
				via := want
				switch {
				case e.Method == "CONNECT":
					connects++
					if e.URL != "goproxy.example:443" || e.Status != 200 {
						t.Errorf("CONNECT %s, %d", e.URL, e.Status)
					}
				case strings.HasPrefix(e.URL, name):
					got++
					if e.Module == nil || e.Module.Proxy != name {
						t.Errorf("%s: module %+v, want proxy %s", e.URL, e.Module, name)
					}
				default:
					via = ""
				}
				if e.Via != via {
					t.Errorf("%s %s: via %q, want %q", e.Method, e.URL, e.Via, via)
				}
			}
			if asked := len(behind.Requests()); got == 0 || got > asked {
				t.Errorf("%d exchanges through the HTTP proxy, and %d requests behind", got, asked)
			}
			if had := checkTunnels(t, tr.events, p, want); connects != had {
				t.Errorf("%d × CONNECT, and the HTTP proxy has had %d", connects, had)
			}
			checkRelays(t, tr.events, want, name, got)
			if raw, _ := os.ReadFile(tr.events); strings.Contains(string(raw), "hunter2") || p.password != "hunter2" {
				t.Errorf("the password of the HTTP proxy was printed, or not used (%q)", p.password)
			}
		})
	}
}

// checkTunnels compares with the log of the HTTP proxy: exactly its connections go
// through it. It returns how many there are.
func checkTunnels(t *testing.T, events string, p *relay, via string) (had int) {
	t.Helper()
	got := map[string]bool{}
	for _, c := range viaEvents(t, events) {
		if c.Action == "open" && c.Via != "" {
			got[c.Local] = true
			if c.Via != via {
				t.Errorf("%s goes via %q, want %q", c.Conn, c.Via, via)
			}
		}
		// The ClientHello is in the tunnel.
		if o := c.TLS; c.Action == "open" && c.Protocol == "h2" && c.Via != "" &&
			(o.SNI != "goproxy.example" || fmt.Sprint(o.Offered, o.Versions) != "[h2 http/1.1] [TLS 1.3 TLS 1.2]") {
			t.Errorf("%s has offered %+v", c.Conn, o)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	had = len(p.tunnels)
	for local, origin := range p.tunnels {
		if !got[local] {
			t.Errorf("the connection from %s to %s is not through the HTTP proxy", local, origin)
		}
		delete(got, local)
	}
	for local := range got {
		t.Errorf("the HTTP proxy does not know the connection from %s", local)
	}
	return had
}

func checkRelays(t *testing.T, events, via, origin string, requests int) {
	t.Helper()
	var report struct {
		Proxies []struct {
			Proxy string
			Via   []string
		}
		HTTPProxies []struct {
			Proxy           string
			Requests, Conns int
		} `json:"http_proxies"`
	}
	if err := json.Unmarshal([]byte(reported(t, events).whole), &report); err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Proxies {
		want := "[]"
		if p.Proxy == origin {
			want = fmt.Sprint([]string{via})
		}
		if fmt.Sprint(p.Via) != want {
			t.Errorf("%s is asked via %v, want %s", p.Proxy, p.Via, want)
		}
	}
	if h := report.HTTPProxies; len(report.Proxies) != 2 || len(h) != 1 || h[0].Proxy != via || h[0].Requests != requests || h[0].Conns == 0 {
		t.Errorf("got %+v, want %d requests via %s", report, requests, via)
	}
}

func viaEvents(t *testing.T, file string) []viaEvent {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []viaEvent
	for line := range strings.Lines(string(raw)) {
		var c struct {
			Event string
			viaEvent
		}
		if !strings.Contains(line, `"event":"conn"`) {
			continue
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		list = append(list, c.viaEvent)
	}
	return list
}

// TestViaVerdict makes the HTTP proxy fail: the verdict names it, and not the module
// proxy after it.
func TestViaVerdict(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/via", 1, 1000)
	behind := modproxy.Start(t, a, mods, modproxy.Options{})
	forbidding := startRelay(t, nil, behind.URL, 403)
	securely := startRelay(t, a, behind.URL, 407)
	stranger := startRelay(t, modproxy.NewAuthority(t), behind.URL, 0)
	_, port, _ := net.SplitHostPort(securely.addr)
	_, strange, _ := net.SplitHostPort(stranger.addr)
	for _, tt := range []struct{ name, proxy, cause, detail string }{
		{"refused", "http://user:hunter2@127.0.0.1:" + freePort(t), "connect", "connection refused"},
		{"forbidden", "http://user:hunter2@" + forbidding.addr, "connect", "Forbidden"},
		{"credentials", "https://user:hunter2@localhost:" + port, "connect", "Proxy Authentication Required"},
		{"certificate", "https://user:hunter2@localhost:" + strange, "tls", "unknown authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := modproxy.NewWorkspace(t, a, mods)
			env := append(w.Env, "GOPROXY=https://goproxy.example", "HTTPS_PROXY="+tt.proxy)
			tr := startTracing(t, command{args: []string{"go", "mod", "download"}, dir: w.Dir, env: env})
			if r := tr.wait(); r.status != 1 {
				t.Fatalf("exit status %d, want 1\n%s", r.status, indent(r.stderr))
			}
			u, err := url.Parse(tt.proxy)
			if err != nil {
				t.Fatal(err)
			}
			v := checkVerdict(t, tr.events, tt.cause, "the HTTP proxy "+u.Scheme+"://"+u.Host)
			if !strings.Contains(v.whole, tt.detail) || strings.Contains(v.whole, "hunter2") {
				t.Errorf("got %s, want evidence with %q, and no password", v.whole, tt.detail)
			}
			var report struct{ Proxies []struct{ Proxy string } }
			if err := json.Unmarshal([]byte(v.whole), &report); err != nil {
				t.Fatal(err)
			}
			if len(report.Proxies) > 0 {
				t.Errorf("blamed are %+v", report.Proxies)
			}
		})
	}
}

// TestViaName makes the name of the HTTP proxy unresolvable.
func TestViaName(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/via", 1, 1000)
	origin := modproxy.Start(t, a, mods, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, mods, origin)
	env := append(w.Env, "HTTPS_PROXY=http://user:hunter2@proxy.example:3128")
	events := runDegraded(t, []string{"-origin", origin.URL, "-dns-fail"}, w.Dir, env, true, "go", "mod", "download")
	v := checkVerdict(t, events, "dns", "the name of the HTTP proxy http://proxy.example:3128")
	if !strings.Contains(v.whole, "server misbehaving") || strings.Contains(v.whole, "hunter2") {
		t.Errorf("got %s, want what the go command said as evidence, and no password", v.whole)
	}
}
