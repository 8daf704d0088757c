package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestFrontends downloads modules through third-party web servers, and compares with
// their logs. Modules that they lack come from the last proxy in the list.
func TestFrontends(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := append(modproxy.Modules("example.test/small", 12, 2000), modproxy.Modules("example.test/large", 1, 3<<20)...)
	full := modproxy.Start(t, a, mods, modproxy.Options{})
	origin := modproxy.Start(t, a, mods[2:], modproxy.Options{})
	for i := range frontends {
		kind := &frontends[i]
		t.Run(kind.name, func(t *testing.T) {
			front := startFrontend(t, kind, a, origin)
			w := modproxy.NewWorkspace(t, a, mods)
			env := append(debugEnv(w.Env), "GOPROXY="+front.URL+","+full.URL)
			tr := startTracing(t, command{args: []string{"go", "mod", "download"}, dir: w.Dir, env: env})
			r := tr.wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			// Frames, settings and windows are those of the go command.
			pairs := verify(t, r, atExit)
			requests := front.requests(t)
			checkFrontend(t, tr.events, front, requests)
			checkTable(t, tr.events, front, requests)
			if kind.name != "nginx" {
				return
			}
			limited := false
			for _, p := range pairs {
				for _, e := range p.Trace.Frames {
					limited = limited || e.Dir == "recv" && bytes.Contains(e.Settings, []byte(`"MAX_CONCURRENT_STREAMS":37`))
				}
			}
			if !limited {
				t.Error("no SETTINGS with the limit that nginx is configured with")
			}
		})
	}
}

// checkFrontend compares exchanges with the log: the same requests, with the same
// status and as many bytes. The go command need not read the body of a 404.
func checkFrontend(t *testing.T, events string, front *frontend, requests []served) {
	t.Helper()
	base, err := url.Parse(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	left := map[served]int{}
	for _, s := range requests {
		left[s.wanted()]++
	}
	got := 0
	for _, e := range readExchanges(t, events) {
		u, err := url.Parse(e.URL)
		if err != nil {
			t.Fatal(err)
		}
		if u.Host != base.Host {
			continue
		}
		got++
		s := served{"HTTP/2.0", e.Method, u.RequestURI(), e.Status, *e.ResponseBytes}
		if left[s.wanted()]--; left[s.wanted()] < 0 {
			t.Errorf("%+v is not in the log of the server", s)
		}
		if e.Module == nil || e.Module.Proxy != front.URL || !strings.HasPrefix(e.Module.Path, "example.test/") {
			t.Errorf("%s: module %+v, want proxy %s", e.URL, e.Module, front.URL)
		}
	}
	if got != len(requests) || got < 30 {
		t.Errorf("%d exchanges, and the server has logged %d requests", got, len(requests))
	}
}

// checkTable compares the server's table in the report with its log.
func checkTable(t *testing.T, events string, front *frontend, requests []served) {
	t.Helper()
	var report struct {
		Proxies []struct {
			Proxy           string
			Requests, Bytes int64
			Conns           int64
			Failures        map[string]int64
		}
	}
	if err := json.Unmarshal([]byte(reported(t, events).whole), &report); err != nil {
		t.Fatal(err)
	}
	var count, size, unwanted, missing int64
	for _, s := range requests {
		count, size, unwanted = count+1, size+s.wanted().Bytes, unwanted+s.Bytes-s.wanted().Bytes
		if s.Status == 404 {
			missing++
		}
	}
	for _, p := range report.Proxies {
		if p.Proxy != front.URL {
			continue
		}
		got := fmt.Sprintf("%d requests, %d × 404", p.Requests, p.Failures["http_4xx"])
		want := fmt.Sprintf("%d requests, %d × 404", count, missing)
		if got != want || p.Conns < 1 || missing == 0 {
			t.Errorf("got %s over %d connections, want %s", got, p.Conns, want)
		}
		if p.Bytes < size || p.Bytes > size+unwanted {
			t.Errorf("got %d bytes, want %d, and up to %d that came with a 404", p.Bytes, size, unwanted)
		}
		return
	}
	t.Errorf("the report has no %s: %+v", front.URL, report.Proxies)
}
