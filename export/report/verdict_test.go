package report

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
		}, 1000, Time{Wait: 200, Receive: 100, Other: 700}},
		{"under way while nothing else was", func(w *writer) {
			w.exchange(exchange{begin: 300, url: url, wait: 300})
			w.exchange(exchange{begin: 100, url: url, receive: 800})
		}, 1000, Time{Receive: 800, Other: 200}},
		{"an attempt to connect that another overtook", func(w *writer) {
			w.exchange(exchange{begin: 400, url: url, connect: 1, wait: 100})
			w.line(403, "conn", `"pid":7,"comm":"go","action":"failed","local":null,"remote":"[2001:db8::1]:443","connect_ms":303.000,"error":{"class":"connect","detail":"x"}`)
		}, 1000, Time{Connect: 301, Wait: 100, Other: 599}},
		{"git", func(w *writer) { w.tool(100, 600, 8, "/usr/bin/git", `,"args":["git","fetch"]`, 0) }, 1000, Time{VCS: 500, Other: 500}},
		{"git that does not end", func(w *writer) {
			w.line(100, "process", `"pid":8,"comm":"git","action":"exec","ppid":7,"exe":"/usr/bin/git","args":["git","fetch"]`)
		}, 1000, Time{VCS: 900, Other: 100}},
		{"a handshake that does not end", func(w *writer) {
			w.line(100, "conn", `"pid":7,"comm":"go","conn":"c1","action":"open","remote":"127.0.0.1:443","role":"client","joined":"start","tls":{"version":null},"connect_ms":20.000,"tls_ms":null`)
		}, 1000, Time{Connect: 20, TLS: 900, Other: 80}},
		{"served", func(w *writer) {
			w.role(10, "c1", "server", "192.0.2.7:5000")
			w.exchange(exchange{begin: 100, url: url, send: 5, wait: 600, receive: 20})
		}, 1000, Time{Receive: 5, Send: 20, Other: 600, Idle: 375}},
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

// TestPath compares with the definition of the critical path, a nanosecond at a
// time from the end, over all spans at once.
func TestPath(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var p path
		p.start(0)
		for end := wallTime(0); end < 2_000; {
			end += 1 + wallTime(r.Int64N(60))
			begin := max(0, end-wallTime(r.Int64N(200)))
			p.add(span{begin: begin, end: end, parts: parts{partWait: end.sub(begin)}})
		}
		wall := p.spans[len(p.spans)-1].end + 50
		var want parts
		for now := wall; now > 0; {
			var last *span // that ended now, or what was under way
			spanned := false
			for i := range p.spans {
				s := &p.spans[i]
				if s.end == now && s.begin < now {
					last = s
				}
				spanned = spanned || s.begin < now && now < s.end
			}
			switch {
			case last != nil:
				want[partWait] += now.sub(last.begin)
				now = last.begin
			case spanned:
				want[partWait]++
				now--
			default:
				want[partIdle]++
				now--
			}
		}
		if got := p.before(wall, partIdle); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// TestSettledPath has more spans than are kept.
func TestSettledPath(t *testing.T) {
	var p path
	p.start(0)
	const n = 3*maxSpans + 7
	for i := range wallTime(n) {
		p.add(span{begin: i * 10, end: i*10 + 4, parts: parts{partWait: 4}})
	}
	want := parts{partWait: 4 * n, partOther: 6 * n}
	if got := p.before(n*10, partOther); got != want || len(p.spans) > maxSpans {
		t.Errorf("got %v of %d spans, want %v", got, len(p.spans), want)
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
		{"tls, of the process itself", 0, func(w *writer) {
			w.line(0, "conn", `"pid":7,"comm":"go","conn":"c1","action":"open","dns_ms":null,"connect_ms":1.000,"tls_ms":500.000,"tls":{"version":"TLS 1.3","verify_ms":450.000}`)
			w.exchange(exchange{url: url, tls: 500, wait: 10})
		}, TLS, "verify certificates"},
		{"server", 0, func(w *writer) { w.exchange(exchange{url: url, wait: 500}) }, ServerWait, "takes long to answer"},
		{"far away", 0, func(w *writer) {
			for i := range 8 {
				w.exchange(exchange{begin: float64(i * 100), url: url, wait: 65})
			}
			w.close(900, "c1", 60, 0)
		}, ServerWait, "far away"},
		{"slow at times", 0, func(w *writer) {
			for i := range 20 {
				w.exchange(exchange{begin: float64(i * 10), url: url, wait: 3})
			}
			for i := range 5 {
				w.exchange(exchange{begin: float64(200 + i*100), url: url, wait: 99})
			}
			w.close(900, "c1", 2, 0)
		}, ServerWait, "some requests"},
		{"slow at times, on a busy machine", 0, func(w *writer) {
			for i := range 20 {
				w.exchange(exchange{begin: float64(i * 10), url: url, wait: 3})
			}
			for i := range 5 {
				w.exchange(exchange{begin: float64(200 + i*100), url: url, wait: 99})
			}
			w.close(900, "c1", 20, 0) // longer than most waits
		}, ServerWait, "some requests"},
		{"bandwidth", 0, func(w *writer) { w.exchange(exchange{url: url, receive: 500, bytes: 500_000}) }, Bandwidth, "delivers slowly"},
		{"loss", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.close(600, "c1", 20, 40)
		}, PacketLoss, "packets are lost"},
		{"loss, and small responses", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 300, bytes: 64_000})
			for i := range 6 {
				w.exchange(exchange{begin: float64(300 + i*100), url: url, receive: 100, bytes: 1000})
			}
			w.close(950, "c1", 20, 40)
		}, PacketLoss, "packets are lost"},
		{"loss of what is received", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.closePath(600, "c1", 45, 40, 0, 300)
		}, PacketLoss, "packets are lost"},
		{"loss of what is received, counted", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.closeHoles(600, "c1", 45, 40, 0, 300, "30")
		}, PacketLoss, "packets are lost"},
		{"a single loss, and many segments after it", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.closeHoles(600, "c1", 45, 40, 0, 300, "1")
		}, Bandwidth, "delivers slowly"},
		{"a single loss, not counted", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.closePath(600, "c1", 45, 40, 0, 60)
		}, Bandwidth, "delivers slowly"},
		{"loss of what is received, on a busy machine", 0, func(w *writer) {
			begin := 0.0
			for _, wait := range []float64{27, 27, 27, 305, 231, 265} {
				w.exchange(exchange{begin: begin, url: url, wait: wait})
				begin += wait
			}
			w.closePath(900, "c1", 35, 11, 6, 600)
		}, PacketLoss, "packets are lost"},
		{"a full line", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.closePath(600, "c1", 70, 11, 6, 600)
		}, Bandwidth, "delivers slowly"},
		{"loss, also of acknowledgments", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 500, bytes: 500_000})
			w.line(600, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","rtt_ms":70.000,"retransmits":6,"min_rtt_ms":11.000,"out_of_order":600,`+
				`"segments_sent":300,"segments_received":700,"holes":null,"rcv_rtt_ms":12.000`)
		}, PacketLoss, "packets are lost"},
		{"a full line, at times", 0, func(w *writer) {
			w.exchange(exchange{url: url, receive: 800, bytes: 800_000})
			w.closePath(900, "c1", 21, 0.8, 1, 381)
		}, Bandwidth, "delivers slowly"},
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
		}, Healthy, "the command succeeded"},
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
		}, SendWindow, "65535 bytes that its peer grants: a larger one would help, unless it reads slowly"},
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
		{"refused and done without", 0, func(w *writer) { w.exchange(exchange{url: url, wait: 5, status: 403, class: "http_4xx"}) }, Healthy, "the command succeeded"},
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

// TestEvidence has what is said beside the cause.
func TestEvidence(t *testing.T) {
	const url = "https://goproxy.example/a"
	failing := exchange{url: url, wait: 5, status: 403, class: "http_4xx"}
	slow := exchange{begin: 100, url: url, wait: 500}
	tests := []struct {
		name string
		exit int
		list []exchange
		want []string
	}{
		{"healthy", 0, []exchange{{url: url, wait: 50}}, []string{"950 ms of 1.00 s (95 %) went to the processes themselves"}},
		{"failed", 1, []exchange{failing}, []string{"1 request failed (http_4xx): " + url + ": why"}},
		{"failed, and slow", 1, []exchange{failing, slow}, []string{
			"1 request failed (http_4xx): " + url + ": why", "besides, 505 ms of 1.00 s (50 %) went to server_wait",
		}},
		{"slow, and failed", 0, []exchange{failing, slow}, []string{
			"505 ms of 1.00 s (50 %)", "requests waited 5.0 ms (median)",
			"1 of 2 requests waited more than 4 times as long, and make 100 % of the waiting", "1 request failed (http_4xx): " + url + ": why",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			for _, x := range tt.list {
				w.exchange(x)
			}
			w.exit(1000, tt.exit)
			if diff := cmp.Diff(tt.want, read(t, w.String()).Report().Verdict.Evidence); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
