package report

import (
	"strings"
	"testing"
)

// assertedRun is a run with 10 requests, of which one fails, and a connection that is not made.
// Another request is repeated, and a third does not find its module.
func assertedRun() string {
	var w writer
	w.command(0)
	w.line(1, "conn", `"pid":7,"comm":"go","conn":"c1","action":"open","local":null,"remote":"192.0.2.1:443","role":"client","joined":"start","tls":{"version":"TLS 1.3"},"dns_ms":12.000,"connect_ms":20.000,"tls_ms":30.000`)
	for i := range 9 {
		x := exchange{begin: float64(100 * i), url: "https://a.example/", wait: float64(10 * (i + 1)), receive: 1, recvStall: 0}
		switch i {
		case 3:
			x.status, x.class = 500, "http_5xx"
		case 4:
			x.status, x.class = 404, "http_4xx"
		case 5:
			x.recvStall = 1
		case 6:
			x.class, x.status = "goaway", noStatus
		case 7:
			x.after = "goaway"
		}
		w.exchange(x)
	}
	w.exchange(exchange{begin: 900, url: "https://a.example/", wait: 50, receive: 1, class: "aborted", status: noStatus}) // soon
	w.failed(960, "b.example", "192.0.2.2:443", "connect", "ECONNREFUSED")
	w.exit(1000, 0)
	return w.String()
}

func TestAssertions(t *testing.T) {
	b := read(t, assertedRun())
	tests := []struct {
		text, value string
		holds       bool
	}{
		{"max(wait) == 90ms", "90 ms", true},
		{"max(wait) < 90ms", "90 ms", false},
		{"max(wait)<=90ms", "90 ms", true},
		{" p50 ( wait ) < 50.6 ms ", "50 ms", true},
		{"p50(wait) > 49.4ms", "50 ms", true},
		{"p95(wait) < 0.092s", "90 ms", true},
		{"p99(total) >= 1s", "90 ms", false},
		{"p50(dns) < 12.2ms", "12 ms", true},
		{"max(connect) == 20ms", "20 ms", true},
		{"count(connect) == 2", "2", true},
		{"count(tls) == 1", "1", true},
		{"max(tls) == 30ms", "30 ms", true},
		{"count(wait) == 10", "10", true},
		{"count(failures) == 2", "2", true},
		{"rate(failures) < 20.1%", "20.00 %", true},
		{"rate(failures) < 1 %", "20.00 %", false},
		{"rate(failures) == 20%", "20.00 %", true},
		{"count(stall) == 1", "1", true},
		{"rate(stall) <= 10%", "10.00 %", true},
		{"p50(stall) == 0s", "0 s", true},
		{"max(stall) > 2ms", "1.0 ms", false},
		{"rate(wait) >= 10/s", "10.00/s", true},
	}
	for _, tt := range tests {
		a, err := ParseAssertion(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		got := b.Check(a)
		value := strings.Replace(got.Value, "49 ms", "50 ms", 1) // within 1 %
		if strings.Contains(tt.text, "p") {
			value = strings.NewReplacer("89 ms", "90 ms", "91 ms", "90 ms").Replace(value)
		}
		if value != tt.value || got.Holds != tt.holds {
			t.Errorf("%s: got %+v, want %s, %v", tt.text, got, tt.value, tt.holds)
		}
	}
}

// TestAssertionsWithoutData demands that what was not measured holds in no comparison.
func TestAssertionsWithoutData(t *testing.T) {
	var w writer
	w.command(0)
	w.exit(1000, 0)
	b := read(t, w.String())
	for _, function := range functions {
		for _, of := range append(metricNames[:], failuresNamed) {
			for _, rest := range []string{"< 1h", ">= 0s", "< 1000", "== 0", ">= 0%", "<= 100%", ">= 0/s"} {
				a, err := ParseAssertion(function + "(" + of + ") " + rest)
				if err != nil {
					continue // of another unit
				}
				if got := b.Check(a); got.Holds || got.Value != notMeasured {
					t.Errorf("got %+v", got)
				}
			}
		}
	}
}

func TestBadAssertions(t *testing.T) {
	tests := map[string]string{
		"":                         `write FUNCTION(MEASURE), one of < <= > >= ==, and a value, as in "p95(wait) < 800ms"`,
		"p95 wait < 1s":            "write FUNCTION(MEASURE)",
		"p95(wait) = 1s":           "write FUNCTION(MEASURE)",
		"p95(wait) != 1s":          "write FUNCTION(MEASURE)",
		"p95(wait)":                "write FUNCTION(MEASURE)",
		"p95(wait, dns) < 1s":      "write FUNCTION(MEASURE)",
		"p90(wait) < 1s":           "there is no function p90; take one of p50, p95, p99, max, count, rate",
		"P95(wait) < 1s":           "there is no function P95",
		"p95(ttfb) < 1s":           "there is no measure ttfb; take one of wait, total, receive, dns, connect, tls, stall, failures",
		"p95(failures) < 1":        "failures have no p95; take count(failures) or rate(failures)",
		"p95(wait) < 800":          `such as 800ms, 1.5s or 2m, not with "800"`,
		"p95(wait) < ":             `not with ""`,
		"p95(wait) < -1s":          `not with "-1s"`,
		"p95(wait) < 1%":           `not with "1%"`,
		"count(wait) < 1.5":        `a whole number, such as 0 or 20, not with "1.5"`,
		"count(failures) < 1%":     `not with "1%"`,
		"rate(failures) < 0.01":    `such as 1%, not with "0.01"`,
		"rate(failures) < NaN%":    `not with "NaN%"`,
		"rate(failures) < 101%":    `not with "101%"`,
		"rate(wait) < 5%":          `such as 20/s, not with "5%"`,
		"p95(wait) < 1s && 1 == 1": `not with "1s && 1 == 1"`,
	}
	for text, want := range tests {
		if _, err := ParseAssertion(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// TestFailuresOfMeasures says what counts as a failure.
func TestFailuresOfMeasures(t *testing.T) {
	const a = "https://a.example"
	tests := map[string]struct {
		events           func(w *writer)
		requests, failed int64
	}{
		"given up after a wait": {func(w *writer) {
			w.exchange(exchange{url: a, wait: 5000, class: "aborted", status: noStatus})
		}, 1, 1},
		"open at the end": {func(w *writer) {
			w.exchange(exchange{url: a, wait: 5000, class: "aborted", status: noStatus, open: true})
		}, 1, 0},
		"another address answers": {func(w *writer) {
			w.failed(10, "a.example", "[2001:db8::1]:443", "connect", "ENETUNREACH")
			w.opened(11, "a.example", "192.0.2.1:443")
			w.exchange(exchange{begin: 20, url: a, wait: 5})
		}, 1, 0},
		"wrong checksum": {func(w *writer) {
			url := a + "/m.example/@v/v1.0.0.zip"
			w.exchange(exchange{url: url, kind: "zip", module: "m.example", proxy: a, wait: 5})
			w.line(10, "process", `"pid":7,"comm":"go","action":"error","module":{"path":"m.example","version":"v1.0.0"},"error":{"class":"checksum","detail":"why"},`+
				`"requests":[{"conn":"c1","stream":1,"url":%q,"proxy":%q}]`, url, a)
		}, 1, 1},
		"an HTTP proxy refuses": {func(w *writer) {
			w.exchange(exchange{method: "CONNECT", url: "a.example:443", via: "http://proxy.example:3128", wait: 5, status: 403, class: "http_4xx"})
		}, 1, 1},
		"a part of a path that is no module": {func(w *writer) {
			w.exchange(exchange{url: a + "/m.example/x/@v/v1.0.0.info", kind: "info", module: "m.example/x", wait: 5, status: 403, class: "http_4xx"})
			w.exchange(exchange{begin: 6, url: a + "/m.example/@v/v1.0.0.info", kind: "info", module: "m.example", wait: 5})
		}, 2, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var w writer
			w.command(0)
			tt.events(&w)
			w.exit(6000, 1)
			if m := &read(t, w.String()).sums.measures; m.requests != tt.requests || m.failed != tt.failed {
				t.Errorf("got %d of %d, want %d of %d", m.failed, m.requests, tt.failed, tt.requests)
			}
		})
	}
}

// TestAssertionsOnLogs has what a log of "go -x" shows, and what it does not.
func TestAssertionsOnLogs(t *testing.T) {
	b := read(t, xget(xB+"v1.0.0.info", "200 OK (0.100s)")+xget(xB+"v1.0.0.mod", "503 Service Unavailable (0.300s)")+
		xget(xB+"v1.1.0.info", "404 Not Found (0.200s)")+xget(xB+"v1.0.0.zip", "200 OK (0.400s)"))
	for text, want := range map[string]string{
		"max(wait) < 1s":       "400 ms",
		"count(wait) == 4":     "4",
		"rate(failures) < 50%": "25.00 %",
		"count(failures) < 9":  "1",
		"p95(total) < 1s":      notMeasured,
		"max(dns) < 1s":        notMeasured,
		"rate(wait) > 0/s":     notMeasured,
	} {
		a, err := ParseAssertion(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Check(a); got.Value != want || got.Holds != (want != notMeasured) {
			t.Errorf("%s: got %+v, want %s", text, got, want)
		}
	}
}
