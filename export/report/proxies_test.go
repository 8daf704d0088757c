package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFallbacks(t *testing.T) {
	var w writer
	ask := func(begin float64, host, version string, status int) {
		class := ""
		if status >= 400 {
			class = "http_4xx"
		}
		w.exchange(exchange{begin: begin, url: "https://" + host + "/example.com/m/@v/" + version + ".info", kind: "info", module: "example.com/" + version, status: status, class: class})
	}
	ask(0, "a.example", "v1.0.0", 404)
	ask(1, "b.example", "v1.0.0", 410)
	ask(2, "c.example", "v1.0.0", 200)
	ask(3, "a.example", "v1.1.0", 404)
	ask(4, "b.example", "v1.1.0", 200)
	ask(5, "c.example", "v1.1.0", 200) // for another reason
	ask(6, "a.example", "v1.2.0", 404)
	ask(7, "a.example", "v1.2.0", 404) // asked again
	r := read(t, w.String()).Report()
	want := []Fallback{
		{"https://a.example", "404", "https://b.example", 2, 0, ""},
		{"https://b.example", "410", "https://c.example", 1, 0, ""},
	}
	if diff := cmp.Diff(want, r.Fallbacks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestHTTPProxies has requests through HTTP proxies, and what these refuse.
func TestHTTPProxies(t *testing.T) {
	const a, b = "http://a.example:3128", "https://b.example"
	var w writer
	w.command(0)
	w.exchange(exchange{begin: 1, method: "CONNECT", conn: "c1", url: "goproxy.example:443", via: b})
	w.exchange(exchange{begin: 2, conn: "c2", url: "https://goproxy.example/x", via: b})
	w.exchange(exchange{begin: 3, conn: "c2", url: "https://goproxy.example/y", via: b})
	w.exchange(exchange{begin: 4, conn: "c3", url: "https://goproxy.example/z", via: a})
	w.exchange(exchange{begin: 5, conn: "c4", url: "https://direct.example/"})
	w.exchange(exchange{begin: 6, method: "CONNECT", conn: "c5", url: "goproxy.example:443", via: b, status: 407, class: "http_4xx"})
	w.exit(9, 1)
	r := read(t, w.String()).Report()
	want := []HTTPProxy{
		{b, 2, 1, map[string]int64{"connect": 1}},
		{a, 1, 1, map[string]int64{}},
	}
	if diff := cmp.Diff(want, r.HTTPProxies); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	via := map[string][]string{}
	for _, p := range r.Proxies {
		via[p.Proxy] = p.Via
	}
	if diff := cmp.Diff(map[string][]string{"https://goproxy.example": {b, a}, "https://direct.example": {}}, via); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if v := r.Verdict; v.Cause != Connect || !strings.Contains(v.Text, "the HTTP proxy "+b) {
		t.Errorf("got %+v, want the HTTP proxy", v)
	}
}

// TestFallbackEnds has requests after which nobody else was asked.
func TestFallbackEnds(t *testing.T) {
	var w writer
	ask := func(begin float64, module, kind string, status int, next string) {
		class := ""
		if status >= 400 {
			class = "http_4xx"
		}
		w.exchange(exchange{
			begin: begin, url: "https://a.example/x.y/" + module + "/@v/" + kind, kind: kind, module: module, status: status, class: class,
			proxy: "https://a.example/x.y", next: next,
		})
	}
	w.command(0)
	ask(1, "m0.example", "info", 404, "direct")
	w.line(2, "process", `"pid":8,"comm":"git","action":"exec","ppid":7,"exe":"/usr/bin/git","args":["git","fetch"]`)
	ask(3, "m1.example", "zip", 503, "none")
	ask(4, "m2.example", "list", 404, "none") // a guess
	ask(5, "m3.example", "mod", 404, "off")
	ask(6, "m4.example", "mod", 404, "https://b.example") // and the run ends
	ask(7, "m5.example", "mod", 404, "none")
	ask(8, "m5.example", "mod", 200, "")
	w.exit(9, 1)
	w.command(10)
	ask(11, "m6.example", "info", 404, "direct") // who ran git in the other run
	w.exit(12, 1)
	r := read(t, w.String()).Report()
	want := []Fallback{
		{"https://a.example/x.y", "404", "direct", 1, 0, ""},
		{"https://a.example/x.y", "503", "none", 1, 0, ""},
		{"https://a.example/x.y", "404", "off", 1, 0, ""},
	}
	if diff := cmp.Diff(want, r.Fallbacks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(r.Proxies) != 1 || r.Proxies[0].Proxy != "https://a.example/x.y" {
		t.Errorf("got %+v, want the entry of GOPROXY", r.Proxies)
	}
}

// TestUnreached has proxies that no connection could be made to.
func TestUnreached(t *testing.T) {
	const refused, broken, good = "http://refused.example:8080", "https://broken.example", "https://good.example"
	fail := func(w *writer, ms float64, name, remote, class, proxy, next string) {
		w.line(ms, "conn", `"pid":7,"comm":"go","action":"failed","local":null,"remote":%q,"dns_ms":null,"connect_ms":0.100,"name":%q,`+
			`"error":{"class":%q,"detail":"why"},"proxy":%q,"next":%q`, remote, name, class, proxy, next)
	}
	var w writer
	w.command(0)
	for i := range 3 { // each request tries both addresses
		begin := float64(10 * i)
		fail(&w, begin+1, "refused.example", "[2001:db8::1]:8080", "connect", refused, broken)
		fail(&w, begin+2, "refused.example", "192.0.2.1:8080", "connect", refused, broken)
		fail(&w, begin+3, "broken.example", "192.0.2.2:443", "tls", broken, good)
		w.exchange(exchange{begin: begin + 4, url: good + "/example.com/m/@v/list", kind: "list", module: "example.com/m", proxy: good, wait: 1})
	}
	w.exit(100, 0)
	w.command(200) // another order, and the next one is never asked
	fail(&w, 201, "refused.example", "192.0.2.1:8080", "connect", refused, "direct")
	fail(&w, 202, "refused.example", "192.0.2.1:8080", "connect", refused, good)
	fail(&w, 203, "refused.example", "192.0.2.1:8080", "connect", refused, "none")
	w.exit(300, 1)
	b := read(t, w.String())
	r := b.Report()
	want := []Fallback{
		{refused, "connect", broken, 3, 0.3, ""},
		{broken, "tls", good, 3, 0.3, ""},
		{refused, "connect", "none", 1, 0.1, ""},
	}
	if diff := cmp.Diff(want, r.Fallbacks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got := map[string]int64{}
	for _, p := range r.Proxies {
		got[p.Proxy] = p.Requests
	}
	if diff := cmp.Diff(map[string]int64{refused: 4, broken: 3, good: 3}, got); diff != "" {
		t.Errorf("requests: -want +got:\n%s", diff)
	}
	s, err := b.Suggest()
	if err != nil || s.Command != "go env -w GOPROXY="+good+",direct" {
		t.Errorf("got %+v, %v; want the only proxy that can be reached", s, err)
	}
}

func TestDirect(t *testing.T) {
	var w writer
	w.command(0)
	git := func(pid int, begin, end float64, status int) {
		w.line(begin, "process", `"pid":%d,"comm":"git","action":"exec","ppid":7,"exe":"/usr/bin/git","args":["git","fetch","https://git.example/m"]`, pid)
		w.line(end, "process", `"pid":%d,"comm":"git","action":"exit","ppid":7,"exe":"/usr/bin/git","exit_code":%d,"duration_ms":%.3f`, pid, status, end-begin)
	}
	git(8, 100, 150, 0)
	git(9, 120, 320, 128)
	w.exit(1000, 0)
	want := []Direct{{"git fetch https://git.example/m", 2, 1, 250, 200}}
	if diff := cmp.Diff(want, read(t, w.String()).Report().Direct); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSuggest(t *testing.T) {
	var w writer
	for i := range 40 {
		t0 := float64(i * 100)
		w.exchange(exchange{begin: t0, url: "https://fast.example/example.com/m/@v/list", kind: "list", wait: 5, class: []string{"", "http_5xx"}[i%2]})
		w.exchange(exchange{begin: t0, url: "https://slow.example/example.com/m/@v/list", kind: "list", wait: 50})
		w.exchange(exchange{begin: t0, url: "https://good.example/example.com/m/@v/list", kind: "list", wait: 20, status: []int{200, 200, 404}[i%3], class: []string{"", "", "http_4xx"}[i%3]})
		w.exchange(exchange{begin: t0, url: "https://empty.example/example.com/m/@v/list", kind: "list", wait: 1, status: 404, class: "http_4xx"})
		w.exchange(exchange{begin: t0, url: "https://other.example/index", wait: 1})
		w.exchange(exchange{begin: t0, url: "https://'odd.example/example.com/m/@v/list", kind: "list", wait: 900})
	}
	s, err := read(t, w.String()).Suggest()
	if err != nil {
		t.Fatal(err)
	}
	if want := `go env -w GOPROXY='https://good.example,https://slow.example,https://'\''odd.example,direct'`; s.Command != want {
		t.Errorf("got %s\nwant %s", s.Command, want)
	}
	if _, err := read(t, "").Suggest(); err == nil {
		t.Error("a suggestion out of nothing")
	}
}

// TestSuggestWithout has proxies that fail in one way or another, and lists that end
// in one way or another.
func TestSuggestWithout(t *testing.T) {
	const good = "https://good.example"
	file := func(version string) string { return "/" + adviceM + "/@v/" + version }
	for _, tt := range []struct {
		name  string
		write func(*writer)
		want  string // "" is none
	}{
		{"few failures", func(w *writer) {
			x := asked(good+file("v1.0.0.zip"), 503, "")
			x.proxy = good
			w.exchange(x)
		}, good + "|direct"},
		{"a proxy because of which the command failed", func(w *writer) {
			answered(403, "Forbidden", "")(w)
			for range 40 {
				w.exchange(asked(adviceAt+"v1.1.0.info", 200, ""))
			}
		}, good + ",direct"},
		{"a proxy that spoilt a module", func(w *writer) {
			for range 40 {
				w.exchange(asked(adviceAt+"v1.0.0.zip", 200, ""))
			}
			w.complains(900, "checksum", adviceM, "v1.0.0", "verifying "+adviceM+"@v1.0.0: checksum mismatch", adviser, adviceAt+"v1.0.0.zip")
		}, good + ",direct"},
		{"a proxy that lacks a module", func(w *writer) {
			answered(404, "Not Found", "")(w)
			w.exchange(asked(adviceAt+"v1.1.0.info", 200, ""))
		}, adviser + "," + good + ",direct"},
		{"off", func(w *writer) {
			x := asked(good+file("v1.9.0.info"), 404, "")
			x.proxy, x.next = good, "off"
			w.exchange(x)
		}, good + ",off"},
		{"none", func(w *writer) {
			x := asked(good+file("v1.9.0.info"), 404, "")
			x.proxy, x.next = good, "none"
			w.exchange(x)
		}, good},
		{"off, of a list where nothing failed", func(w *writer) {
			w.line(10, "exchange", `"pid":7,"url":%q,"module":{"path":"m.example","kind":"info","proxy":%q,"next":null,"tail":"off"},"status":200,"total_ms":20.000`, good+file("v1.0.0.info"), good)
		}, good + ",off"},
		{"none, of a list where nothing failed", func(w *writer) {
			w.line(10, "exchange", `"pid":7,"url":%q,"module":{"path":"m.example","kind":"info","proxy":%q,"next":null,"tail":"none"},"status":200,"total_ms":20.000`, good+file("v1.0.0.info"), good)
		}, good},
		{"one of the own house, which is slower and failed a few", func(w *writer) {
			const own = "https://own.example"
			for i := range 40 {
				x := asked(own+file("v1.0.0.info"), []int{200, 503}[i/39], "")
				x.proxy, x.wait, x.conn = own, 90, "c9"
				w.exchange(x)
			}
			w.line(800, "conn", `"pid":7,"comm":"go","conn":"c9","action":"close","remote":"10.0.0.7:443","protocol":"h2","tls":{"version":"TLS 1.3"}`)
		}, "https://own.example," + good + ",direct"},
		{"none behind a failure", func(w *writer) {
			x := asked(good+file("v1.9.0.info"), 503, "")
			x.proxy, x.next = good, "none"
			w.exchange(x)
		}, good + "|direct"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			for range 40 {
				x := asked(good+file("v1.0.0.info"), 200, "")
				x.proxy, x.wait = good, 20
				w.exchange(x)
			}
			tt.write(&w)
			w.exit(1000, 1)
			if s, err := read(t, w.String()).Suggest(); err != nil || s.Command != "go env -w GOPROXY="+shellQuote(tt.want) {
				t.Errorf("got %+v, %v; want %s", s, err, tt.want)
			}
		})
	}
	var hidden writer
	hidden.line(10, "exchange", `"pid":7,"url":%q,"module":{"path":"m.example","kind":"info","proxy":%q,"tail":"direct","credentials":true},"status":200,"total_ms":20.000`, good+file("v1.0.0.info"), good)
	if s, err := read(t, hidden.String()).Suggest(); !errors.Is(err, errHidden) || s.Command != "" {
		t.Errorf("got %+v, %v", s, err)
	}
	var w writer
	w.command(0)
	answered(503, "Service Unavailable", "")(&w)
	w.exit(1000, 1)
	if s, err := read(t, w.String()).Suggest(); !errors.Is(err, errAllFailed) || len(s.Reasons) != 1 {
		t.Errorf("got %+v, %v", s, err)
	}
}
