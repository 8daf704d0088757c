package report

import (
	"fmt"
	"strings"
	"testing"
)

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

// TestSlowNamesBesides has slow names, and a larger fault that takes more than an exchange.
func TestSlowNamesBesides(t *testing.T) {
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
	if v.Cause != TLS || !strings.Contains(v.Text, "their phases together") || !strings.Contains(said, "dns 120 ms, connect 160 ms, tls 200 ms") {
		t.Errorf("%s: %s\n%s", v.Cause, v.Text, said)
	}
}

// TestSlowAndFailed has a request that fails after its connection took long, which is no fault of
// the server: in each phase a little, where the request waited longer than any of them took, or for
// its name.
func TestSlowAndFailed(t *testing.T) {
	for said, x := range map[string]exchange{
		"330 ms of 1.00 s (33 %) went to new connections": {dns: 100, connect: 110, tls: 120, wait: 250},
		"900 ms of 1.00 s (90 %) went to dns":             {dns: 900, connect: 1, tls: 2, wait: 3},
	} {
		t.Run(said, func(t *testing.T) {
			var w writer
			w.command(0)
			x.status, x.class, x.proxy = 503, "http_5xx", "https://goproxy.example"
			w.exchange(info(x))
			w.complains(950, "http_5xx", "m.example", "v1.0.0", "m.example@v1.0.0: reading "+infoURL+": 503 Service Unavailable", "https://goproxy.example", infoURL)
			w.exit(1000, 1)
			v := read(t, w.String()).Report().Verdict
			if evidence := strings.Join(v.Evidence, "\n"); v.Cause != Errors || !strings.Contains(evidence, "besides, "+said) {
				t.Errorf("%s: %s\n%s", v.Cause, v.Text, evidence)
			}
		})
	}
}
