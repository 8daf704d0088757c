package report

import (
	"fmt"
	"strings"
	"testing"
)

// What evidence says, in a word each.
var marks = []string{
	"no public authority", "HTTP/1.1 only", "client offered", "served a second request", "resumed a session", "MAX_CONCURRENT_STREAMS",
	"as in a tunnel", "routers away", "caches before", "Server-Timing", "IPv6 is broken", "an address that does not answer", "tried in vain",
	"resolvers differ", "did not answer", "queries: P50", "before what comes next", "GOPRIVATE=", "fetched the same zips",
	"a line that is full",
}

// TestFound has one fault at a time: what must be said of it, and nothing of the others.
func TestFound(t *testing.T) {
	const proxy, url = "https://goproxy.example", infoURL
	// slow is five requests that wait for 150 ms each, so that the server is the cause.
	slow := func(w *writer, more string) {
		for i := range 5 {
			w.exchange(info(exchange{begin: float64(i * 160), wait: 150, proxy: proxy, more: more}))
		}
	}
	closed := func(tls, more string) func(*writer) {
		return func(w *writer) {
			slow(w, "")
			w.line(990, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","remote":"192.0.2.1:443","protocol":"h2","tls":{"version":"TLS 1.3"%s}%s`, tls, more)
		}
	}
	// asks is a query of the resolver 192.0.2.53 + i.
	asks := func(w *writer, i int, rcode, answers string) {
		w.line(1, "conn", `"pid":7,"comm":"go","action":"dns","remote":"192.0.2.%d:53","dns_ms":3.000,"name":"goproxy.example","type":"A","rcode":%s,"answers":[%s]`, 53+i, rcode, answers)
	}
	tried := func(remote, detail string, took float64) func(*writer) {
		return func(w *writer) {
			slow(w, "")
			w.line(1, "conn", `"pid":7,"comm":"go","action":"failed","remote":%q,"name":"goproxy.example","connect_ms":%.3f,"error":{"class":"connect","detail":%q}`, remote, took, detail)
			w.line(2, "conn", `"pid":7,"comm":"go","conn":"c9","action":"open","remote":"192.0.2.1:443","name":"goproxy.example","role":"client","connect_ms":20.000`)
		}
	}
	zip := func(w *writer, begin float64, pid int, version string) {
		w.line(begin, "exchange", `"pid":%d,"comm":"go","conn":"c%d","stream":1,"method":"GET","url":"https://goproxy.example/m.example/@v/%s.zip","status":200,`+
			`"response_bytes":2000000,"wait_ms":100.000,"receive_ms":0.000,"total_ms":100.000,"module":{"path":"m.example","version":%q,"kind":"zip"},"error":null`, pid, pid, version, version)
	}
	for _, tt := range []struct {
		name  string
		write func(*writer)
		want  map[string]string // by mark: a part of the line
	}{
		{"a slow server", func(w *writer) { slow(w, "") }, nil},
		{"a public authority", closed(`,"issuer":"CN=Public","issuer_public":true`, ""), nil},
		{"an authority that is not public", closed(`,"issuer":"CN=Inspection","issuer_public":false`, ""), map[string]string{
			"no public authority": "TLS with https://goproxy.example is opened by CN=Inspection, no public authority",
		}},
		{"HTTP/1.1", func(w *writer) {
			slow(w, "")
			w.line(990, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","protocol":"http/1.1","tls":{"version":"TLS 1.3","offered_alpn":["h2","http/1.1"]}`)
		}, map[string]string{"HTTP/1.1 only": "each of 1 connection, at most 1 at once: the server did not choose HTTP/2, which the client offered", "client offered": ""}},
		{"HTTP/1.1 by the client", func(w *writer) {
			slow(w, "")
			w.line(990, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","protocol":"http/1.1","tls":{"version":"TLS 1.3","offered_alpn":["http/1.1"]}`)
		}, map[string]string{"HTTP/1.1 only": "the client offered no HTTP/2", "client offered": ""}},
		{"HTTP/1.1, and nobody saw what the client offered", func(w *writer) {
			slow(w, "")
			w.line(990, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","protocol":"http/1.1","tls":{"version":"TLS 1.3"}`)
		}, map[string]string{"HTTP/1.1 only": "each of 1 connection, at most 1 at once"}},
		{"no keep-alive", func(w *writer) {
			for i := range 5 {
				w.line(float64(160*i+150), "exchange", `"pid":7,"comm":"go","conn":"c%d","stream":1,"method":"GET","url":%q,"status":200,"reused":false,"wait_ms":150.000,"total_ms":150.000,"module":{"path":"m.example","kind":"info","proxy":%q}`, i, url, proxy)
			}
		}, map[string]string{"served a second request": "no connection to https://goproxy.example served a second request"}},
		{"a connection of each of many processes", func(w *writer) {
			for i := range 5 {
				w.line(float64(160*i+150), "exchange", `"pid":%d,"comm":"go","conn":"c%d","stream":1,"method":"GET","url":%q,"status":200,"reused":false,"wait_ms":150.000,"total_ms":150.000,"module":{"path":"m.example","kind":"info","proxy":%q}`, 20+i, i, url, proxy)
			}
		}, nil},
		{"as many streams as allowed", closed("", `,"peak_streams":100,"max_concurrent_streams":100`), map[string]string{
			"MAX_CONCURRENT_STREAMS": "https://goproxy.example allows 100 streams at once",
		}},
		{"fewer streams than allowed", closed("", `,"peak_streams":99,"max_concurrent_streams":100`), nil},
		{"no limit of streams", closed("", `,"peak_streams":99,"max_concurrent_streams":null`), nil},
		{"far away", closed("", `,"mss":1448,"ttl":52`), map[string]string{"routers away": "https://goproxy.example is 12 routers away"}},
		{"in the next room", closed("", `,"mss":1448,"ttl":64`), nil},
		{"a tunnel", closed("", `,"mss":1308,"ttl":243`), map[string]string{"routers away": "", "as in a tunnel": "12 routers away, and a TCP segment holds only 1308 bytes"}},
		{"a tunnel of unknown length", closed("", `,"mss":1308,"ttl":null`), map[string]string{
			"as in a tunnel": "https://goproxy.example is reached in TCP segments of only 1308 bytes, as in a tunnel",
		}},
		{"a way to an HTTP proxy", func(w *writer) {
			for i := range 5 {
				w.exchange(info(exchange{begin: float64(i * 160), wait: 150, proxy: proxy, via: "http://proxy.corp.example:3128"}))
			}
			w.line(990, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","remote":"10.0.0.1:3128","protocol":"h2","tls":{"version":"TLS 1.3"},"mss":1448,"ttl":62`)
		}, map[string]string{"routers away": "the HTTP proxy http://proxy.corp.example:3128 is 2 routers away"}},
		{"no cache had it", func(w *writer) { slow(w, `,"cache":"miss"`) }, map[string]string{
			"caches before": "caches before https://goproxy.example had none of 5 responses, and had to fetch them (mean wait 150 ms)",
		}},
		{"a cache had some", func(w *writer) {
			slow(w, `,"cache":"miss"`)
			w.exchange(info(exchange{begin: 900, wait: 10, proxy: proxy, more: `,"cache":"hit"`}))
		}, map[string]string{"caches before": "had 1 of 6 responses (mean wait 10 ms), and had to fetch the others (150 ms)"}},
		{"what the server says", func(w *writer) { slow(w, `,"server_timing":{"edge":3.000,"origin":140.000}`) }, map[string]string{
			"Server-Timing": "https://goproxy.example says where 150 ms went (Server-Timing, mean of 5 responses): origin 140 ms, edge 3.0 ms",
		}},
		{"IPv6 that is broken", tried("[2001:db8::1]:443", "given up by the process", 320), map[string]string{
			"IPv6 is broken": "[2001:db8::1]:443 was tried in vain before 192.0.2.1:443 answered, which cost 300 ms in 1 connection", "tried in vain": "",
		}},
		{"an address without a server", tried("192.0.2.9:443", "ETIMEDOUT", 300), map[string]string{
			"an address that does not answer": "", "tried in vain": "192.0.2.9:443 was tried in vain before 192.0.2.1:443 answered, which cost 300 ms",
		}},
		{"an address that refuses at once", tried("[2001:db8::1]:443", "ECONNREFUSED", 0.2), nil},
		{"an address that refuses late", tried("[2001:db8::1]:443", "ECONNREFUSED (connection refused)", 80), map[string]string{
			"tried in vain": "an address that fails: [2001:db8::1]:443 was tried in vain before 192.0.2.1:443 answered, which cost 80 ms",
		}},
		{"two servers without a name", func(w *writer) {
			slow(w, "")
			w.line(1, "conn", `"pid":7,"comm":"go","action":"failed","remote":"192.0.2.9:443","name":null,"connect_ms":300.000,"error":{"class":"connect","detail":"ETIMEDOUT"}`)
			w.line(2, "conn", `"pid":7,"comm":"go","conn":"c9","action":"open","remote":"198.51.100.1:443","name":null,"role":"client","connect_ms":20.000`)
		}, nil},
		{"resolvers that differ", func(w *writer) {
			slow(w, "")
			asks(w, 0, `"NOERROR"`, `"192.0.2.1"`)
			asks(w, 1, `"NXDOMAIN"`, "")
			asks(w, 1, `"NXDOMAIN"`, "")
		}, map[string]string{"resolvers differ": "resolvers differ on goproxy.example (A): 192.0.2.53:53 has an address, 192.0.2.54:53 says NXDOMAIN"}},
		{"a resolver with a view of its own", func(w *writer) {
			slow(w, "")
			asks(w, 0, `"NOERROR"`, `"192.0.2.1"`)
			asks(w, 1, `"NOERROR"`, `"10.1.2.3"`)
		}, map[string]string{"resolvers differ": "192.0.2.53:53 has an address, 192.0.2.54:53 has a private address"}},
		{"a resolver that does not answer", func(w *writer) {
			slow(w, "")
			asks(w, 0, "null", "")
			asks(w, 0, "null", "")
			asks(w, 1, `"NOERROR"`, `"a.example.","192.0.2.1"`)
		}, map[string]string{"did not answer": "the resolver 192.0.2.53:53 did not answer 2 of 2 queries"}},
		{"a query that was lost", func(w *writer) {
			slow(w, "")
			asks(w, 0, "null", "")
			asks(w, 1, `"NOERROR"`, `"192.0.2.1"`)
			asks(w, 0, `"NOERROR"`, `"192.0.2.1"`)
		}, nil},
		{"a resolver with a view of its own, behind a shared address", func(w *writer) {
			slow(w, "")
			asks(w, 0, `"NOERROR"`, `"192.0.2.1"`)
			asks(w, 1, `"NOERROR"`, `"100.100.1.2"`)
		}, map[string]string{"resolvers differ": "192.0.2.53:53 has an address, 192.0.2.54:53 has a private address"}},
		{"resolvers with one address each", func(w *writer) {
			slow(w, "")
			asks(w, 0, `"NOERROR"`, `"192.0.2.1"`)
			asks(w, 1, `"NOERROR"`, `"192.0.2.2"`)
		}, nil},
		{"a slow resolver", func(w *writer) {
			for range 20 {
				asks(w, 0, `"NOERROR"`, `"192.0.2.1"`)
			}
			w.exchange(info(exchange{dns: 800, wait: 10, proxy: proxy}))
		}, map[string]string{"queries: P50": "20 queries: P50 3.0 ms, P95 3.0 ms"}},
		{"a line that is full at times", func(w *writer) {
			w.exchange(info(exchange{receive: 800, bytes: 800_000, proxy: proxy}))
			w.closePath(900, "c1", 21, 0.8, 1, 381)
		}, map[string]string{"a line that is full": "1 were sent again by the process, and 381 came behind one that was missing: a line that is full loses some"}},
		{"the next proxy", func(w *writer) {
			w.exchange(info(exchange{wait: 600, proxy: "https://a.example", status: 502, class: "http_5xx"}))
			w.exchange(info(exchange{begin: 610, wait: 10, proxy: "https://b.example"}))
		}, map[string]string{"before what comes next": "1 request took 600 ms at https://a.example before what comes next in GOPROXY was asked"}},
		{"the next proxy, for two requests at once", func(w *writer) {
			for _, kind := range []string{"info", "mod"} {
				w.exchange(exchange{wait: 600, proxy: "https://a.example", status: 502, class: "http_5xx", module: "m.example", kind: kind, url: "https://a.example/m.example/@v/v1.0.0." + kind})
				w.exchange(exchange{begin: 610, wait: 10, proxy: "https://b.example", module: "m.example", kind: kind, url: "https://b.example/m.example/@v/v1.0.0." + kind})
			}
		}, map[string]string{"before what comes next": "2 requests took 600 ms each (mean) at https://a.example before what comes next in GOPROXY was asked"}},
		{"the next proxy, soon", func(w *writer) {
			w.exchange(info(exchange{wait: 60, proxy: "https://a.example", status: 404, class: "http_4xx"}))
			w.exchange(info(exchange{begin: 70, wait: 800, proxy: "https://b.example"}))
		}, nil},
		{"a private name", func(w *writer) {
			slow(w, "")
			x := exchange{begin: 801, wait: 10, proxy: proxy, next: "direct", status: 404, class: "http_4xx", module: "git.corp.example/team/secret"}
			x.url, x.kind = proxy+"/git.corp.example/team/secret/@v/v1.0.0.info", "info"
			w.exchange(x)
			w.tool(820, 990, 9, "/usr/bin/git", `,"args":["git","fetch"]`, 0)
		}, map[string]string{"GOPRIVATE=": "https://goproxy.example was asked for git.corp.example/team/secret, which it does not have, and git or alike was asked then: if private, GOPRIVATE=git.corp.example/team keeps the name from it"}},
		{"the paths that a private package may be in", func(w *writer) {
			slow(w, "")
			ask := func(path, kind string) {
				w.exchange(exchange{begin: 801, wait: 10, proxy: proxy, next: "direct", status: 404, class: "http_4xx", module: path, kind: kind, url: proxy + "/" + path + "/@v/" + kind})
			}
			for _, path := range []string{"git.corp.example", "git.corp.example/team", "git.corp.example/team/secret", "git.corp.example/team/secret/pkg"} {
				ask(path, "list")
			}
			ask("git.corp.example/team/secret", "mod")
			w.tool(820, 990, 9, "/usr/bin/git", `,"args":["git","ls-remote"]`, 0)
		}, map[string]string{"GOPRIVATE=": "https://goproxy.example was asked for git.corp.example/team/secret, which it does not have"}},
		{"paths none of which is a module", func(w *writer) {
			slow(w, "")
			for _, path := range []string{"github.com", "github.com/corp", "github.com/corp/typo"} {
				w.exchange(exchange{begin: 801, wait: 10, proxy: proxy, next: "direct", status: 404, class: "http_4xx", module: path, kind: "list", url: proxy + "/" + path + "/@v/list"})
			}
			w.tool(820, 990, 9, "/usr/bin/git", `,"args":["git","ls-remote"]`, 128)
		}, nil},
		{"a name that a proxy of the same house was asked for", func(w *writer) {
			slow(w, "")
			x := exchange{begin: 801, wait: 10, proxy: proxy, next: "direct", status: 404, class: "http_4xx", module: "git.corp.example/team/secret"}
			x.url, x.kind = proxy+"/git.corp.example/team/secret/@v/v1.0.0.info", "info"
			w.exchange(x)
			w.line(815, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","remote":"10.0.0.7:443","protocol":"h2","tls":{"version":"TLS 1.3"}`)
			w.tool(820, 990, 9, "/usr/bin/git", `,"args":["git","fetch"]`, 0)
		}, nil},
		{"the same zip for three processes", func(w *writer) {
			for i := range 3 {
				zip(w, float64(300*i+100), 20+i, "v1.0.0")
			}
			zip(w, 950, 20, "v1.1.0")
		}, map[string]string{"fetched the same zips": "3 processes fetched the same zips, m.example@v1.0.0 3 times: a module cache that they share would save 4.0 MB and 200 ms of requests"}},
		{"a zip that one process fetches again", func(w *writer) {
			for i := range 3 {
				zip(w, float64(300*i+100), 20, "v1.0.0")
			}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			tt.write(&w)
			w.exit(1000, 0)
			said := strings.Join(read(t, w.String()).Report().Verdict.Evidence, "\n")
			for _, mark := range marks {
				want, must := tt.want[mark]
				if got := strings.Contains(said, mark); got != must || !strings.Contains(said, want) {
					t.Errorf("%q said: %v, want %v with %q in\n%s", mark, got, must, want, said)
				}
			}
		})
	}
}

// TestResumptions has handshakes that take most of the time.
func TestResumptions(t *testing.T) {
	var w writer
	w.command(0)
	for i := range 6 {
		x := info(exchange{begin: float64(i * 160), tls: 150, wait: 1, conn: fmt.Sprintf("c%d", i)})
		w.exchange(x)
		w.line(float64(i*160+155), "conn", `"pid":7,"comm":"go","conn":"c%d","action":"close","protocol":"h2","tls":{"version":"TLS 1.3","resumed":%v}`, i, i >= 4)
	}
	w.exit(1000, 0)
	r := read(t, w.String()).Report()
	if said := strings.Join(r.Verdict.Evidence, "\n"); r.Verdict.Cause != TLS || !strings.Contains(said, "2 of 6 handshakes with https://goproxy.example resumed a session") {
		t.Errorf("%s: %s", r.Verdict.Cause, said)
	}
	if h := r.Proxies[0].Handshakes; h != (Handshakes{4, 2}) {
		t.Errorf("got %+v", h)
	}
}
