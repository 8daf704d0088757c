package report

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writer writes events as a run would have.
type writer struct{ strings.Builder }

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// at is a time in milliseconds from the beginning.
func at(ms float64) string {
	return epoch.Add(time.Duration(ms * 1e6)).Format("2006-01-02T15:04:05.000000000Z")
}

func (w *writer) line(ms float64, kind, rest string, args ...any) {
	fmt.Fprintf(&w.Builder, `{"v":1,"ts":"%s","event":"%s",%s}`+"\n", at(ms), kind, fmt.Sprintf(rest, args...))
}

func (w *writer) command(begin float64) {
	w.line(begin, "process", `"pid":7,"comm":"go","action":"exec","ppid":1,"exe":"/usr/bin/go"`)
	w.line(begin, "process", `"pid":7,"comm":"go","action":"attached","ppid":1,"exe":"/usr/bin/go"`)
}

func (w *writer) exit(ms float64, status int) {
	w.line(ms, "process", `"pid":7,"comm":"go","action":"exit","ppid":1,"exe":null,"exit_code":%d`, status)
	w.line(ms+1, "summary", `"duration_ms":%.3f,"records":{"seen":1,"delivered":1,"lost":0}`, ms+1)
}

// exchange is one that begins at a time, with its phases in milliseconds.
type exchange struct {
	begin, dns, connect, tls, send, wait, receive, recvStall, sendStall float64

	conn, url, module, kind, class  string
	proxy, next, after, via, method string
	status                          int
	bytes                           int64
}

func (w *writer) exchange(x exchange) {
	total := x.dns + x.connect + x.tls + x.send + x.wait + x.receive
	if x.conn == "" {
		x.conn = "c1"
	}
	if x.status == 0 {
		x.status = 200
	}
	if x.method == "" {
		x.method = "GET"
	}
	module, failure := "null", "null"
	if x.kind != "" {
		module = fmt.Sprintf(`{"path":%q,"version":"v1.0.0","kind":%q,"proxy":%q,"next":%q}`, x.module, x.kind, x.proxy, x.next)
	}
	if x.class != "" {
		failure = fmt.Sprintf(`{"class":%q,"detail":"why"}`, x.class)
	}
	retry := "null"
	if x.after != "" {
		retry = fmt.Sprintf(`{"attempt":2,"conn":"c1","stream":1,"class":%q}`, x.after)
	}
	w.line(x.begin+total, "exchange", `"pid":7,"comm":"go","conn":%q,"stream":1,"method":%q,"url":%q,"status":%d,"protocol":"h2","reused":true,`+
		`"request_bytes":0,"response_bytes":%d,"dns_ms":%.3f,"connect_ms":%.3f,"tls_ms":%.3f,"send_ms":%.3f,"wait_ms":%.3f,"receive_ms":%.3f,`+
		`"total_ms":%.3f,"stall_ms":{"recv_window":%.3f,"send_window":%.3f},"redirect":null,"module":%s,"error":%s,"start":%q,"retry":%s,"via":%q`,
		x.conn, x.method, x.url, x.status, x.bytes, x.dns, x.connect, x.tls, x.send, x.wait, x.receive, total, x.recvStall, x.sendStall,
		module, failure, at(x.begin), retry, x.via)
}

func (w *writer) close(ms float64, conn string, rtt float64, retransmits int) {
	w.closePath(ms, conn, rtt, rtt, retransmits, 0)
}

// closePath closes a connection of 1000 segments.
func (w *writer) closePath(ms float64, conn string, rtt, least float64, retransmits, outOfOrder int) {
	w.line(ms, "conn", `"pid":7,"comm":"go","conn":%q,"action":"close","rtt_ms":%.3f,"retransmits":%d,"frames":9,"min_rtt_ms":%.3f,`+
		`"out_of_order":%d,"segments_sent":300,"segments_received":700`, conn, rtt, retransmits, least, outOfOrder)
}

func (w *writer) opened(ms float64, name, remote string) {
	w.line(ms, "conn", `"pid":7,"comm":"go","conn":"c1","action":"open","local":null,"remote":%q,"name":%q`, remote, name)
}

// failed is a connection that was tried for 5 ms.
func (w *writer) failed(ms float64, name, remote, class, detail string) {
	w.line(ms, "conn", `"pid":7,"comm":"go","action":"failed","local":null,"remote":%q,"dns_ms":null,"connect_ms":5.000,"name":%q,`+
		`"error":{"class":%q,"detail":%q}`, remote, name, class, detail)
}

func read(t *testing.T, text string) *Builder {
	t.Helper()
	b := NewBuilder()
	if err := b.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTime(t *testing.T) {
	const url = "https://goproxy.example/"
	tests := []struct {
		name  string
		write func(*writer)
		wall  Millis
		want  Time
	}{
		{"nothing but the process", func(*writer) {}, 1000, Time{Other: 1000}},
		{"one after the other", func(w *writer) {
			w.exchange(exchange{begin: 100, url: url, dns: 10, connect: 20, tls: 30, wait: 100, receive: 40})
			w.exchange(exchange{begin: 400, url: url, wait: 100})
		}, 1000, Time{DNS: 10, Connect: 20, TLS: 30, Wait: 200, Receive: 40, Other: 700}},
		{"side by side: that which ended last counts", func(w *writer) {
			w.exchange(exchange{begin: 100, url: url, wait: 100})
			w.exchange(exchange{begin: 100, url: url, receive: 500})
			w.exchange(exchange{begin: 700, url: url, wait: 100})
		}, 1000, Time{Receive: 500, Wait: 100, Other: 400}},
		{"begun by the end of an earlier one", func(w *writer) {
			w.exchange(exchange{begin: 100, url: url, wait: 100})              // to 200
			w.exchange(exchange{begin: 150, url: url, receive: 250})           // to 400
			w.exchange(exchange{begin: 200, url: url, wait: 300, receive: 50}) // to 550, after the first
		}, 1000, Time{Wait: 400, Receive: 50, Other: 550}},
		{"stalled", func(w *writer) {
			w.exchange(exchange{begin: 100, url: url, send: 100, wait: 50, receive: 200, recvStall: 150, sendStall: 60})
		}, 1000, Time{Send: 40, Wait: 50, Receive: 50, Stall: 210, Other: 650}},
		{"printed late, by another connection", func(w *writer) {
			w.exchange(exchange{begin: 300, url: url, wait: 100})
			w.exchange(exchange{begin: 100, url: url, receive: 100})
			w.exchange(exchange{begin: 500, url: url, wait: 100})
		}, 1000, Time{Wait: 200, Other: 800}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			tt.write(&w)
			w.exit(1000, 0)
			r := read(t, w.String()).Report()
			near := cmp.Comparer(func(a, b Millis) bool { return math.Abs(float64(a-b)) < 0.002 })
			if diff := cmp.Diff(tt.want, r.Time, near); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if math.Abs(float64(r.Wall-tt.wall)) > 0.002 || r.Runs != 1 {
				t.Errorf("got %v ms in %d runs, want %v", r.Wall, r.Runs, tt.wall)
			}
		})
	}
}

// TestPath compares with a search backwards from the end, as the critical path
// is defined, over all exchanges at once.
func TestPath(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		type span struct{ begin, end int64 }
		var spans []span
		var p path
		p.start(0)
		for end := int64(0); end < 10_000; {
			end += 1 + r.Int64N(200)
			s := span{max(0, end-r.Int64N(600)), end}
			spans = append(spans, s)
			p.add(s.begin, s.end, parts{partWait: s.end - s.begin})
		}
		wall := spans[len(spans)-1].end + 50
		var want parts
		now := wall
		for i := len(spans) - 1; i >= 0; i-- {
			if s := spans[i]; s.end <= now {
				want[partOther] += now - s.end
				want[partWait] += s.end - s.begin
				now = s.begin
			}
		}
		want[partOther] += now
		if got := p.before(wall); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	const url = "https://goproxy.example/a"
	tests := []struct {
		name  string
		exit  int
		write func(*writer)
		want  Cause
		text  string
	}{
		{"healthy", 0, func(w *writer) { w.exchange(exchange{url: url, wait: 50}) }, Healthy, "nothing failed"},
		{"short", 0, func(w *writer) { w.exchange(exchange{begin: 940, url: url, dns: 60}) }, Healthy, "nothing failed"},
		{"not found is no failure", 0, func(w *writer) {
			w.exchange(exchange{url: url, wait: 50, status: 410, class: "http_4xx"})
		}, Healthy, "nothing failed"},
		{"dns", 0, func(w *writer) { w.exchange(exchange{url: url, dns: 500, wait: 10}) }, DNS, "resolver"},
		{"connect", 0, func(w *writer) { w.exchange(exchange{url: url, connect: 500, wait: 10}) }, Connect, "nearer"},
		{"tls", 0, func(w *writer) { w.exchange(exchange{url: url, tls: 500, wait: 10}) }, TLS, "handshakes are slow"},
		{"server", 0, func(w *writer) { w.exchange(exchange{url: url, wait: 500}) }, ServerWait, "takes long to answer"},
		{"far away", 0, func(w *writer) {
			for i := range 8 {
				w.exchange(exchange{begin: float64(i * 100), url: url, wait: 65})
			}
			w.close(900, "c1", 60, 0)
		}, ServerWait, "far away"},
		{"bandwidth", 0, func(w *writer) { w.exchange(exchange{url: url, receive: 500, bytes: 500_000}) }, Bandwidth, "delivers slowly"},
		{"loss", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.close(600, "c1", 20, 40)
		}, PacketLoss, "packets are lost"},
		{"loss of what is received", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.closePath(600, "c1", 45, 40, 0, 300)
		}, PacketLoss, "packets are lost"},
		{"name not found", 1, func(w *writer) {
			w.failed(10, "goproxy.example", "", "dns", "NXDOMAIN")
		}, DNS, "could not be resolved"},
		{"slow name for requests at once", 0, func(w *writer) {
			w.line(700, "conn", `"pid":7,"comm":"go","conn":"c1","action":"open","dns_ms":600.000,"connect_ms":1.000,"tls_ms":9.000`)
			w.exchange(exchange{begin: 709, url: url, wait: 5})
			w.exchange(exchange{begin: 99, url: url, dns: 600, connect: 1, tls: 9, wait: 7})
		}, DNS, "resolver"},
		{"refused", 1, func(w *writer) {
			w.failed(10, "goproxy.example", "192.0.2.1:443", "connect", "ECONNREFUSED")
		}, Connect, "could not be made"},
		{"refused at one address of two", 0, func(w *writer) {
			w.failed(10, "goproxy.example", "[2001:db8::1]:443", "connect", "ECONNREFUSED")
			w.opened(11, "goproxy.example", "192.0.2.1:443")
		}, Healthy, "nothing failed"},
		{"refused at one address of localhost", 0, func(w *writer) {
			w.failed(10, "", "[::1]:443", "connect", "ECONNREFUSED")
			w.opened(11, "", "127.0.0.1:443")
		}, Healthy, "nothing failed"},
		{"refused after a connection", 0, func(w *writer) {
			w.opened(1, "goproxy.example", "192.0.2.1:443")
			w.failed(10, "goproxy.example", "192.0.2.1:443", "connect", "ECONNREFUSED")
		}, Connect, "could not be made"},
		{"full queue", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.closePath(600, "c1", 80, 1, 2, 200)
		}, Bandwidth, "delivers slowly"},
		{"hardly a loss", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.closePath(600, "c1", 45, 40, 1, 0)
		}, Bandwidth, "delivers slowly"},
		{"receive window", 0, func(w *writer) {
			for i := range 9 {
				w.line(float64(60*i), "stall", `"pid":7,"comm":"go","conn":"c1","stream":1,"side":"recv_window","window":65535,"start":%q,"stall_ms":50.000`, at(float64(60*i)))
			}
			w.exchange(exchange{url: url, receive: 500, recvStall: 450, bytes: 600_000})
			w.close(600, "c1", 55, 0)
		}, RecvWindow, "65535 bytes ÷ 54.7 ms = 1.20 MB/s"},
		{"send window", 0, func(w *writer) {
			w.line(500, "stall", `"pid":7,"comm":"go","conn":"c1","stream":1,"side":"send_window","window":65535,"start":%q,"stall_ms":450.000`, at(50))
			w.exchange(exchange{url: url, send: 500, sendStall: 450})
		}, SendWindow, "65535 bytes that its peer grants"},
		{"reset", 1, func(w *writer) { w.exchange(exchange{url: url, wait: 5, class: "reset"}) }, Errors, "requests failed (reset)"},
		{"sent again", 0, func(w *writer) {
			w.exchange(exchange{url: url, wait: 5, class: "goaway"})
			w.exchange(exchange{url: url, begin: 10, wait: 5, after: "goaway"})
		}, Healthy, "nothing failed"},
		{"sent again in vain", 1, func(w *writer) {
			w.exchange(exchange{url: url, wait: 5, class: "goaway"})
			w.exchange(exchange{url: url, begin: 10, wait: 5, after: "goaway", class: "reset"})
		}, Errors, "requests failed (reset)"},
		{"503", 1, func(w *writer) { w.exchange(exchange{url: url, wait: 5, status: 503, class: "http_5xx"}) }, Errors, "http_5xx"},
		{"403", 1, func(w *writer) { w.exchange(exchange{url: url, wait: 5, status: 403, class: "http_4xx"}) }, Errors, "http_4xx"},
		{"refused and done without", 0, func(w *writer) { w.exchange(exchange{url: url, wait: 5, status: 403, class: "http_4xx"}) }, Errors, "no command is known to have failed"},
		{"refused, but slow by others", 0, func(w *writer) {
			w.exchange(exchange{url: url, wait: 5, status: 403, class: "http_4xx"})
			w.exchange(exchange{begin: 100, url: url, wait: 500})
		}, ServerWait, "takes long to answer"},
		{"checksum", 1, func(w *writer) { w.exchange(exchange{url: url, wait: 5, class: "checksum"}) }, Checksum, "not what go.sum"},
		{"dns failed", 1, func(w *writer) { w.exchange(exchange{url: url, wait: 5, class: "dns"}) }, DNS, "could not be resolved"},
		{"the go command says more than its requests", 1, func(w *writer) {
			w.exchange(exchange{url: url, wait: 5, class: "reset"})
			w.line(900, "process", `"pid":7,"comm":"go","action":"error","ppid":1,"exe":null,"module":{"path":"example.com/m","version":"v1.0.0"},"error":{"class":"checksum","detail":"verifying module: checksum mismatch"}`)
		}, Checksum, "not what go.sum"},
		{"not found anywhere", 1, func(w *writer) {
			w.exchange(exchange{url: url, wait: 5, status: 404, class: "http_4xx"})
			w.line(900, "process", `"pid":7,"comm":"go","action":"error","ppid":1,"exe":null,"module":null,"error":{"class":"http_4xx","detail":"404 Not Found"}`)
		}, Errors, "http_4xx"},
		{"command failed by itself", 2, func(*writer) {}, Client, "no request of it did"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			tt.write(&w)
			w.exit(1000, tt.exit)
			v := read(t, w.String()).Report().Verdict
			if v.Cause != tt.want || !strings.Contains(v.Text, tt.text) {
				t.Errorf("got %s: %s, want %s with %q", v.Cause, v.Text, tt.want, tt.text)
			}
		})
	}
}

func TestTables(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(exchange{url: "https://a.example/go/example.com/m/@v/v1.0.0.zip", kind: "zip", module: "example.com/m", wait: 10, receive: 100, bytes: 1_000_000})
	w.exchange(exchange{begin: 200, url: "https://a.example/go/example.com/m/@v/v1.0.0.mod", kind: "mod", module: "example.com/m", wait: 20, bytes: 10})
	w.exchange(exchange{begin: 300, url: "https://a.example/go/sumdb/sum.example/latest", kind: "sumdb-latest", wait: 5, bytes: 10})
	w.exchange(exchange{begin: 400, conn: "c2", url: "https://b.example/example.com/n/@v/list", kind: "list", module: "example.com/n", wait: 5, status: 404, class: "http_4xx"})
	w.line(450, "frame", `"pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"DATA","flags":[],"length":5,"data_length":5,"window":{"conn_send":65535,"conn_recv":-7,"stream_send":null,"stream_recv":12}`)
	w.close(500, "c1", 30, 3)
	w.exit(1000, 0)
	b := read(t, w.String())
	r := b.Report()
	got := map[string][]int64{}
	for _, p := range r.Proxies {
		got[p.Proxy] = []int64{p.Requests, p.Bytes, p.Conns, p.Retransmits, p.Failures["http_4xx"]}
	}
	want := map[string][]int64{"https://a.example/go": {3, 1_000_020, 1, 3, 0}, "https://b.example": {1, 0, 1, 0, 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("proxies, -want +got:\n%s", diff)
	}
	if rate := r.Proxies[0].Rate; rate == nil || math.Abs(float64(*rate)-10) > 0.01 {
		t.Errorf("got %v MB/s, want 10", rate)
	}
	if rtt := r.Proxies[0].RTT; rtt == nil || math.Abs(float64(rtt.P50)-30) > 0.3 {
		t.Errorf("got round-trip time %v, want 30", rtt)
	}
	if diff := cmp.Diff([]Module{{"example.com/m", "v1.0.0", 2, 0, 1_000_010, 130, 110}}, r.Modules); diff != "" {
		t.Errorf("modules, -want +got:\n%s", diff)
	}
	if v := r.Windows.Least["conn_recv"]; v == nil || *v != -7 || r.Windows.Least["stream_send"] != nil {
		t.Errorf("got windows %v", r.Windows.Least)
	}
	s, err := b.Suggest()
	if err != nil || s.Command != "go env -w GOPROXY=https://a.example/go,direct" || len(s.Reasons) != 2 {
		t.Errorf("got %+v, %v", s, err)
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":     func(b *bytes.Buffer) error { return r.WriteText(b) },
		"markdown": func(b *bytes.Buffer) error { return r.WriteMarkdown(b) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"healthy: nothing failed", "https://a.example/go", "sumdb-latest", "example.com/m", "-7"} {
			if !strings.Contains(out.String(), s) {
				t.Errorf("%s has no %q:\n%s", name, s, out.String())
			}
		}
	}
}

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
		{"https://a.example", "404", "https://b.example", 2},
		{"https://b.example", "410", "https://c.example", 1},
	}
	if diff := cmp.Diff(want, r.Fallbacks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestSpoilt has the go command say of a response that was complete that it is
// not what it should be.
func TestSpoilt(t *testing.T) {
	const a, b = "https://a.example/x.y", "https://b.example"
	var w writer
	w.command(0)
	for i, proxy := range []string{a, b} {
		for _, kind := range []string{"mod", "zip"} {
			w.exchange(exchange{begin: float64(i), url: proxy + "/m.example/@v/v1.0.0." + kind, module: "m.example", kind: kind, proxy: proxy})
		}
	}
	for _, class := range []string{"checksum", "http_4xx"} { // the other has failed as an exchange
		w.line(5, "process", `"pid":7,"comm":"go","action":"error","module":{"path":"m.example","version":"v1.0.0"},"error":{"class":%q,"detail":"why"},`+
			`"requests":[{"conn":"c1","stream":1,"url":"https://a.example/x.y/m.example/@v/v1.0.0.zip","proxy":%q},`+
			`{"conn":"c1","stream":3,"url":"https://b.example/sumdb/sum.example/lookup/m.example@v1.0.0","proxy":%q}]`, class, a, b)
	}
	w.exit(9, 1)
	r := read(t, w.String()).Report()
	failures := map[string]map[string]int64{}
	for _, p := range r.Proxies {
		failures[p.Proxy] = p.Failures
	}
	if diff := cmp.Diff(map[string]map[string]int64{a: {"checksum": 1}, b: {}}, failures); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(r.Modules) != 1 || r.Modules[0].Failures != 1 {
		t.Errorf("got %+v, want a failure", r.Modules)
	}
	if r.Verdict.Cause != Checksum {
		t.Errorf("got %+v", r.Verdict)
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

// TestFallbackEnds has requests behind which nobody else was asked.
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
		{"https://a.example/x.y", "404", "direct", 1},
		{"https://a.example/x.y", "503", "none", 1},
		{"https://a.example/x.y", "404", "off", 1},
	}
	if diff := cmp.Diff(want, r.Fallbacks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(r.Proxies) != 1 || r.Proxies[0].Proxy != "https://a.example/x.y" {
		t.Errorf("got %+v, want the entry of GOPROXY", r.Proxies)
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
	if want := `go env -w GOPROXY='https://good.example,https://slow.example,https://'\''odd.example,https://fast.example,direct'`; s.Command != want {
		t.Errorf("got %s\nwant %s", s.Command, want)
	}
	if _, err := read(t, "").Suggest(); err == nil {
		t.Error("a suggestion out of nothing")
	}
}

func TestDamaged(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(exchange{url: "https://a.example/", wait: 10})
	w.exit(100, 0)
	good := w.String()
	one := strings.SplitAfter(good, "\n")[2]
	sorted := `{"event":"exchange", "error" : null, "total_ms":10.0, "ts":"` + at(10) + `", "url":"https:\/\/a.example\/", "v":1, "x":{"y":["}",{}]}}`
	tests := []struct {
		name, text string
		skipped    int64
		requests   int64
		runs       int
	}{
		{"empty", "", 0, 0, 0},
		{"no line end", strings.TrimSuffix(good, "\n"), 0, 1, 1},
		{"two runs", good + good, 0, 2, 2},
		{"cut in the middle of a line", good[:len(good)-40], 1, 1, 1},
		{"empty lines and DOS line ends", "\n" + strings.ReplaceAll(good, "\n", "\r\n\r\n"), 0, 1, 1},
		{"words between", "hello\n" + good + "{}\n[1]\nnull\n", 4, 1, 1},
		{"another version", strings.Replace(good, `"v":1`, `"v":2`, 1), 1, 1, 1},
		{"unknown event", good + strings.Replace(one, `"exchange"`, `"trailer"`, 1), 1, 1, 1},
		{"no time", good + strings.Replace(one, at(10), "yesterday", 1), 1, 1, 1},
		{"keys in another order, with spaces and escapes", sorted, 0, 1, 1},
		{"long line", `{"v":1,"a":"` + strings.Repeat("x", maxLine) + `"}` + "\n" + good, 1, 1, 1},
		{"binary", string([]byte{0, 1, 2, 255, '\n'}) + good, 1, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := read(t, tt.text).Report()
			var requests int64
			for _, p := range r.Proxies {
				requests += p.Requests
				if p.Proxy != "https://a.example" {
					t.Errorf("proxy %q", p.Proxy)
				}
			}
			if r.SkippedLines != tt.skipped || requests != tt.requests || r.Runs != tt.runs {
				t.Errorf("got %d skipped, %d requests, %d runs, want %d, %d, %d",
					r.SkippedLines, requests, r.Runs, tt.skipped, tt.requests, tt.runs)
			}
		})
	}
}

// TestMemory reads a run in which everything that is told apart by a name has
// more names than are kept, and which has more exchanges than are remembered.
func TestMemory(t *testing.T) {
	b := NewBuilder()
	for i := range 100_000 {
		var w writer
		w.exchange(exchange{
			begin: float64(i), wait: 5, conn: fmt.Sprintf("c%d", i), kind: "zip", module: fmt.Sprintf("%d.example/m", i),
			url: fmt.Sprintf("https://%d.example/%d.example/m/@v/v1.0.0.zip", i, i), class: fmt.Sprintf("class %d", i),
		})
		b.line([]byte(strings.TrimSpace(w.String())))
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 48<<20 {
		t.Errorf("holds %d MB", m.HeapAlloc>>20)
	}
	if r := b.Report(); r.LeftOut == 0 || len(r.Proxies) != maxProxies || len(r.Modules) != slowest {
		t.Errorf("%d left out, %d proxies, %d modules", r.LeftOut, len(r.Proxies), len(r.Modules))
	}
}

func FuzzRead(f *testing.F) {
	var w writer
	w.command(0)
	w.exchange(exchange{url: "https://a.example/x/@v/list", kind: "list", wait: 10, class: "reset"})
	w.close(20, "c1", 1, 1)
	w.exit(100, 1)
	f.Add([]byte(w.String()))
	f.Add([]byte(`{"v":1,"ts":"2026-01-02T03:04:05.000000000Z","event":"stall","window":{"a":[]},"stall_ms":-1e300}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := NewBuilder()
		if err := b.Read(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		r := b.Report()
		var out bytes.Buffer
		if err := r.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
			t.Errorf("a control character in %q", out.String())
		}
		_, _ = b.Suggest()
	})
}

func recording() []byte {
	var w writer
	w.command(0)
	for i := range 100 {
		w.exchange(exchange{begin: float64(i * 10), url: "https://goproxy.example/example.com/m/@v/v1.0.0.zip", kind: "zip", module: "example.com/m", wait: 5, receive: 5})
		for range 10 {
			w.line(float64(i*10), "frame", `"pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"DATA","flags":["END_STREAM"],"length":8192,"data_length":8192,"window":{"conn_send":65535,"conn_recv":1073741823,"stream_send":65535,"stream_recv":4194304}`)
		}
	}
	w.exit(2000, 0)
	return []byte(w.String())
}
