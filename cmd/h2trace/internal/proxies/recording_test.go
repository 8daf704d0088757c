package proxies

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorded is a download: a request that opens a connection, two on the same, one of which
// takes 31 s, and one to a checksum database.
const recorded = `
{"v":1,"ts":"2026-11-20T10:00:00.000000000Z","event":"process","pid":7,"comm":"go","action":"exec"}
{"v":1,"ts":"2026-11-20T10:00:00.100000000Z","event":"conn","pid":7,"comm":"go","conn":"c1","action":"open","role":"client","protocol":"h2","tls":{"resumed":true}}
{"v":1,"ts":"2026-11-20T10:00:00.200000000Z","event":"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"HEADERS","headers":[{"name":":status","value":"200"},{"name":"content-type","value":"text/html; charset=utf-8"}]}
{"v":1,"ts":"2026-11-20T10:00:00.200000000Z","event":"exchange","pid":7,"comm":"go","conn":"c1","stream":1,"method":"GET","url":"https://a.example/m/@v/v1.0.0.info","status":200,"cache":"hit","protocol":"h2","reused":false,"response_bytes":10,"dns_ms":5.000,"connect_ms":10.000,"tls_ms":20.000,"wait_ms":30.000,"receive_ms":0.000,"total_ms":65.000,"module":{"path":"m","version":"v1.0.0","kind":"info","proxy":"https://a.example","next":null},"error":null}
{"v":1,"ts":"2026-11-20T10:00:00.300000000Z","event":"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":3,"type":"HEADERS","headers":[{"name":":status","value":"200"},{"name":"content-type","value":"application/zip"}]}
{"v":1,"ts":"2026-11-20T10:00:00.400000000Z","event":"exchange","pid":7,"comm":"go","conn":"c1","stream":3,"method":"GET","url":"https://a.example/m/@v/v1.0.0.zip","status":200,"cache":"miss","protocol":"h2","reused":true,"response_bytes":100000,"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"wait_ms":50.000,"receive_ms":50.000,"total_ms":100.000,"module":{"path":"m","version":"v1.0.0","kind":"zip","proxy":"https://a.example","next":null},"error":null}
{"v":1,"ts":"2026-11-20T10:00:31.400000000Z","event":"exchange","pid":7,"comm":"go","conn":"c1","stream":5,"method":"GET","url":"https://a.example/m/@v/v1.0.0.mod","status":200,"protocol":"h2","reused":true,"response_bytes":10,"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"wait_ms":31000.000,"receive_ms":0.000,"total_ms":31000.000,"module":{"path":"m","version":"v1.0.0","kind":"mod","proxy":"https://a.example","next":null},"error":null}
{"v":1,"ts":"2026-11-20T10:00:31.500000000Z","event":"exchange","pid":7,"comm":"go","conn":"c2","stream":1,"method":"GET","url":"https://sum.example/lookup/m@v1.0.0","status":500,"protocol":"h2","reused":false,"response_bytes":10,"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"wait_ms":1.000,"receive_ms":0.000,"total_ms":1.000,"module":{"path":"m","version":"v1.0.0","kind":"sumdb-lookup","proxy":null,"next":null},"error":{"class":"http_5xx","detail":"500"}}
{"v":1,"ts":"2026-11-20T10:00:31.600000000Z","event":"conn","pid":7,"comm":"go","conn":"c1","action":"close","retransmits":1,"out_of_order":5,"holes":1,"segments_sent":50,"segments_received":150}
{"v":1,"ts":"2026-11-20T10:00:32.000000000Z","event":"process","pid":7,"comm":"go","action":"exit","exit_code":0}
{"v":1,"ts":"2026-11-20T10:00:32.100000000Z","event":"summary","agent":{"cpu_ms":40.000,"max_rss_bytes":1}}
`

func measuredRow(t *testing.T, events string, d download) Row {
	t.Helper()
	d.events = filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(d.events, []byte(events), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := sumUp([]entry{{"https://a.example", "https://a.example"}}, []download{d}, "")
	if err != nil {
		t.Fatal(err)
	}
	return r.Proxies[0]
}

func TestRecording(t *testing.T) {
	row := measuredRow(t, recorded, download{})
	near := func(name string, got *float64, want float64) {
		t.Helper()
		if got == nil || math.Abs(*got-want) > 1e-9 {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	near("reused", row.Reused, 2.0/3)
	near("resumed", row.Resumed, 1)
	near("retransmitted", row.Retransmitted, 0.01)
	near("cache hits", row.CacheHits, 0.5)
	near("MB/s", row.Rate, 2)
	if !slices.Contains(row.Verdict.Evidence, "1 response is HTML, as those of a page to sign in, or of no proxy") {
		t.Errorf("got evidence %q", row.Verdict.Evidence)
	}
	if row.Requests != 3 || row.Failures[overLong] != 1 || len(row.Failures) != 1 || row.HTTP != "h2" || row.Conns != 1 {
		t.Errorf("got %+v", row)
	}
	if *row.DNS != (quantiles{5, 5, 5}) || *row.Connect != (quantiles{10, 10, 10}) || *row.TLS != (quantiles{20, 20, 20}) {
		t.Errorf("got dns %v, connect %v, tls %v", row.DNS, row.Connect, row.TLS)
	}
	if *row.Wait != (quantiles{50, 31000, 31000}) || row.Wall.Median != 32000 {
		t.Errorf("got wait %v, wall %v", row.Wait, row.Wall)
	}
}

// TestRecordingTimedOut has requests that ended with a download that took too long.
func TestRecordingTimedOut(t *testing.T) {
	aborted := strings.Replace(recorded, `"total_ms":100.000,`, `"error":{"class":"aborted","detail":""},"total_ms":100.000,`, 1)
	aborted = strings.Replace(aborted, `"proxy":"https://a.example","next":null},"error":null}`, `"proxy":"https://a.example","next":null}}`, 2)
	row := measuredRow(t, aborted, download{failed: true, timedOut: true})
	if row.Failures["timeout"] != 1 || row.Failures["aborted"] != 0 || row.Failed != 1 || row.Wall != nil {
		t.Errorf("got %+v", row)
	}
}

// TestRecordingHandshake has a download that was ended in its first handshake.
func TestRecordingHandshake(t *testing.T) {
	for took, want := range map[time.Duration]string{5 * time.Second: "timeout", 2 * time.Minute: overLong} {
		row := measuredRow(t, "", download{failed: true, timedOut: true, took: took})
		if row.Failures[want] != 1 || row.Requests != 1 || !slices.Contains(row.Verdict.Evidence, "h2trace ended 1 of 1 downloads, which took longer than --timeout") {
			t.Errorf("after %s: got %+v", took, row)
		}
	}
}

// TestTable checks that tables fit into 132 columns, with a long name and all failures.
func TestTable(t *testing.T) {
	q := &quantiles{1234.5, 12345.6, 123456}
	row := Row{
		Proxy: "https://goproxy.europe-west4.example/artifacts/go-modules", Downloads: 50, Failed: 10,
		Wall: &spread{123450, 100000, 200000, 0.95}, DNS: q, Connect: q, TLS: q, Wait: q, Total: q,
		Requests: 12345, Failures: map[string]int64{"http_5xx": 100, "timeout": 200}, Rate: new(12.3),
		Reused: new(0.97), Resumed: new(0.5), Retransmitted: new(0.001), HTTP: "h2",
	}
	r := &Result{Work: "100 downloads", Proxies: []Row{row, {Proxy: "direct", Downloads: 50, Failed: 50}}, GOPROXY: "go env -w GOPROXY=direct"}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 132 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, want := range []string{
		"  goprox…odules  40 of 50  123.45    100.00…200.00  12.3  h2    97%     50%      0.1%    -       12345     2% timeout, 0.8% http_5xx\n",
		"\n  direct ", "\n  noise: where the median is with 95 % confidence\n", "\ngo env -w GOPROXY=direct\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if t.Failed() {
		t.Log("\n" + b.String())
	}
}
