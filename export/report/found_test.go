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
		}, map[string]string{"before what comes next": "600 ms went to https://a.example before what comes next in GOPROXY was asked, in 1 request"}},
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

// TestTwoFaults has two phases that are slow at once: both must be named, whichever is the
// larger. One that is not slow must not be.
func TestTwoFaults(t *testing.T) {
	type slow struct {
		name  string
		cause Cause
		text  string // where it comes second
		add   func(x *exchange, ms float64)
	}
	faults := []slow{
		{"dns", DNS, "went to dns: name resolution is slow", func(x *exchange, ms float64) { x.dns = ms }},
		{"connect", Connect, "went to connect: making connections is slow", func(x *exchange, ms float64) { x.connect = ms }},
		{"tls", TLS, "went to tls: TLS handshakes are slow", func(x *exchange, ms float64) { x.tls = ms }},
		{"wait", ServerWait, "went to server_wait: the proxy takes long to answer", func(x *exchange, ms float64) { x.wait = ms }},
		{"receive", Bandwidth, "went to bandwidth: the line, or the proxy, delivers slowly", func(x *exchange, ms float64) { x.receive, x.bytes = ms, 100_000 }},
		{"window", RecvWindow, "went to recv_window: limited by the window", func(x *exchange, ms float64) { x.receive, x.recvStall = ms, ms }},
	}
	for _, first := range faults {
		for _, second := range faults {
			if first.name == second.name || first.name == "receive" && second.name == "window" || first.name == "window" && second.name == "receive" {
				continue
			}
			t.Run(first.name+" and "+second.name, func(t *testing.T) {
				var w writer
				w.command(0)
				var x exchange
				first.add(&x, 500)
				second.add(&x, 300)
				w.exchange(info(x))
				w.exit(1000, 0)
				v := read(t, w.String()).Report().Verdict
				said := strings.Join(v.Evidence, "\n")
				if v.Cause != first.cause || !strings.Contains(said, "besides, 300 ms of 1.00 s (30 %) "+second.text) || strings.Count(said, "besides") != 1 {
					t.Errorf("%s: %s\n%s", v.Cause, v.Text, said)
				}
			})
		}
	}
	var w writer
	w.command(0)
	w.exchange(info(exchange{wait: 500, dns: 90, connect: 90}))
	w.exit(1000, 0)
	if said := strings.Join(read(t, w.String()).Report().Verdict.Evidence, "\n"); strings.Contains(said, "besides") {
		t.Errorf("it says %s", said)
	}
}

// TestConnecting has connections none of whose phases is slow alone.
func TestConnecting(t *testing.T) {
	var w writer
	w.command(0)
	for i := range 4 {
		w.exchange(info(exchange{begin: float64(i * 150), dns: 30, connect: 40, tls: 50, wait: 10, conn: fmt.Sprint("c", i)}))
	}
	w.exit(1000, 0)
	v := read(t, w.String()).Report().Verdict
	said := strings.Join(v.Evidence, "\n")
	if v.Cause != TLS || !strings.Contains(v.Text, "in all their phases") || !strings.Contains(said, "dns 120 ms, connect 160 ms, tls 200 ms") {
		t.Errorf("%s: %s\n%s", v.Cause, v.Text, said)
	}
}

// TestConnectingAndFailed has such connections, and a request that fails. It waited longer than
// any of their phases took, which is no part of what went to them.
func TestConnectingAndFailed(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(info(exchange{dns: 100, connect: 110, tls: 120, wait: 250, status: 503, class: "http_5xx", proxy: "https://goproxy.example"}))
	w.complains(950, "http_5xx", "m.example", "v1.0.0", "m.example@v1.0.0: reading "+infoURL+": 503 Service Unavailable", "https://goproxy.example", infoURL)
	w.exit(1000, 1)
	v := read(t, w.String()).Report().Verdict
	if said := strings.Join(v.Evidence, "\n"); v.Cause != Errors || !strings.Contains(said, "besides, 330 ms of 1.00 s (33 %) went to new connections") {
		t.Errorf("%s: %s\n%s", v.Cause, v.Text, said)
	}
}

// TestReader has a window that is used up, because it is small, or because the process reads
// slowly: what went through stands beside what the window allows.
func TestReader(t *testing.T) {
	for _, tt := range []struct {
		name   string
		bytes  int64
		cause  Cause
		rate   string
		unread int64
	}{
		{"a small window", 2_700_000, RecvWindow, "3.00 MB/s went through, where the window allows 3.25", 0},
		{"a slow reader", 90_000, Client, "0.10 MB/s went through, where the window allows 3.25", 5000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			w.line(910, "stall", `"pid":7,"comm":"go","conn":"c1","stream":1,"side":"recv_window","window":65535,"start":%q,"stall_ms":800.000`, at(110))
			w.exchange(info(exchange{begin: 10, receive: 900, recvStall: 800, bytes: tt.bytes}))
			w.line(990, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","rtt_ms":20.000,"min_rtt_ms":20.000,"unread_bytes":%d`, tt.unread)
			w.exit(1000, 0)
			v := read(t, w.String()).Report().Verdict
			said := strings.Join(v.Evidence, "\n")
			if v.Cause != tt.cause || !strings.Contains(said, tt.rate) || strings.Contains(said, "5000 bytes lay unread") != (tt.unread > 0) {
				t.Errorf("%s: %s\n%s", v.Cause, v.Text, said)
			}
		})
	}
}

// TestPeakConns has two runs: in the first, two of three connections are open at once.
func TestPeakConns(t *testing.T) {
	var w writer
	ask := func(ms float64, conn string) { w.exchange(info(exchange{begin: ms, wait: 1, conn: conn})) }
	end := func(ms float64, conn string) {
		w.line(ms, "conn", `"pid":7,"comm":"go","conn":%q,"action":"close","protocol":"http/1.1","tls":{"version":"TLS 1.3"}`, conn)
	}
	w.command(0)
	ask(10, "c1")
	ask(20, "c2")
	end(30, "c1")
	ask(40, "c3")
	w.exit(1000, 0)
	w.command(1100)
	ask(1110, "c1")
	w.exit(1200, 0)
	if p := read(t, w.String()).Report().Proxies[0]; p.Conns != 4 || p.PeakConns == nil || *p.PeakConns != 2 {
		t.Errorf("got %+v, want 2 at once", p)
	}
}

// TestPeakConnsOfOneRequest has connections with a request each, under way at once. Each is
// closed before the request of the next is told.
func TestPeakConnsOfOneRequest(t *testing.T) {
	var w writer
	w.command(0)
	for i := range 5 {
		conn := fmt.Sprint("c", i)
		w.line(10, "conn", `"pid":7,"comm":"go","conn":%q,"action":"open","remote":"192.0.2.1:443","name":"goproxy.example","role":"client","joined":"start"`, conn)
		w.exchange(info(exchange{begin: 20, wait: 100 + float64(i), conn: conn}))
		w.line(121+float64(i), "conn", `"pid":7,"comm":"go","conn":%q,"action":"close","protocol":"http/1.1","tls":{"version":"TLS 1.3"}`, conn)
	}
	w.exit(1000, 0)
	if p := read(t, w.String()).Report().Proxies[0]; p.PeakConns == nil || *p.PeakConns != 5 {
		t.Errorf("got %+v, want 5 at once", p)
	}
}

// TestFailedAfterDNS has a request that fails at once, after its name took long to resolve:
// that is no fault of the server.
func TestFailedAfterDNS(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(info(exchange{dns: 900, connect: 1, tls: 2, wait: 3, status: 503, class: "http_5xx", proxy: "https://goproxy.example"}))
	w.complains(950, "http_5xx", "m.example", "v1.0.0", "m.example@v1.0.0: reading "+infoURL+": 503 Service Unavailable", "https://goproxy.example", infoURL)
	w.exit(1000, 1)
	v := read(t, w.String()).Report().Verdict
	if said := strings.Join(v.Evidence, "\n"); v.Cause != Errors || !strings.Contains(said, "besides, 900 ms of 1.00 s (90 %) went to dns") {
		t.Errorf("%s: %s\n%s", v.Cause, v.Text, said)
	}
}

// TestTwoFaultsMore has, beside slow names, the faults that take more than an exchange.
func TestTwoFaultsMore(t *testing.T) {
	stalled := func(w *writer, side string) {
		w.line(900, "stall", `"pid":7,"comm":"go","conn":"c1","stream":1,"side":%q,"window":65535,"start":%q,"stall_ms":500.000`, side, at(400))
	}
	for _, tt := range []struct {
		name  string
		cause Cause
		write func(*writer)
	}{
		{"packet loss", PacketLoss, func(w *writer) {
			w.exchange(info(exchange{dns: 300, receive: 600, bytes: 500_000}))
			w.close(950, "c1", 20, 60)
		}},
		{"the window of the peer", SendWindow, func(w *writer) {
			stalled(w, "send_window")
			w.exchange(info(exchange{dns: 300, send: 550, sendStall: 500}))
		}},
		{"a slow reader", Client, func(w *writer) {
			stalled(w, "recv_window")
			w.exchange(info(exchange{dns: 300, receive: 550, recvStall: 500, bytes: 60_000}))
			w.close(950, "c1", 20, 0)
		}},
		{"a server that never answers", ServerWait, func(w *writer) {
			w.exchange(info(exchange{dns: 300, wait: 600, status: noStatus, class: "aborted"}))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			tt.write(&w)
			w.exit(1000, 0)
			v := read(t, w.String()).Report().Verdict
			if said := strings.Join(v.Evidence, "\n"); v.Cause != tt.cause || !strings.Contains(said, "besides, 300 ms of 1.00 s (30 %) went to dns") {
				t.Errorf("%s: %s\n%s", v.Cause, v.Text, said)
			}
		})
	}
}
