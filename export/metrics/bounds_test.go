package metrics

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// floodRequests is how many requests a flooded Recorder has seen.
const floodRequests = 4000

// flooded returns a Recorder that has seen more of everything than it tells apart.
func flooded(tb testing.TB) *Recorder {
	tb.Helper()
	r := New(Options{})
	for i := range maxConns + 10 {
		r.Take(event("conn", fmt.Sprintf(`"conn":"c%d","action":"open","role":"client"`, i)))
	}
	for i := range floodRequests {
		r.Take(event("exchange", fmt.Sprintf(`"conn":"c%d","stream":1,"method":"M%d","url":"https://h%d.example/secret","status":%d,"reused":false,`+
			`"request_bytes":1,"response_bytes":1,"dns_ms":%d.000,"connect_ms":1.000,"tls_ms":1.000,"send_ms":1.000,"wait_ms":%d.000,"receive_ms":1.000,"total_ms":%d.500,`+
			`"stall_ms":{"recv_window":1.000,"send_window":1.000},"module":null,"error":{"class":"x%d"}`, i, i, i%80, 200+i%397, i%100, i*7, i*11, i)))
		r.Take(event("conn", fmt.Sprintf(`"action":"failed","role":"client","name":"n%d.example","remote":"192.0.2.1:443","error":{"class":"c%d"}`, i, i)))
		r.Take(event("process", fmt.Sprintf(`"action":"a%d","error":{"class":"c%d"}`, i, i)))
	}
	return r
}

// TestBounds floods a Recorder. It keeps the limits, says so, and loses no request.
func TestBounds(t *testing.T) {
	r := flooded(t)
	got := gathered(t, r)
	if len(got) > 4*MaxSeries {
		t.Errorf("%d series", len(got))
	}
	servers := make(map[string]bool)
	var requests float64
	for name, n := range got {
		if strings.Contains(name, "secret") {
			t.Errorf("a path in %s", name)
		}
		if strings.HasPrefix(name, "http_client_request_duration_seconds{") {
			requests += n
		}
		for _, label := range strings.Split(strings.Trim(name[strings.Index(name, "{"):], "{}"), ",") {
			if strings.HasPrefix(label, "server_address=") {
				servers[label] = true
			}
		}
	}
	if requests != floodRequests || len(servers) > MaxServers+1 || !servers["server_address="+otherName] {
		t.Errorf("%v requests to %d servers", requests, len(servers))
	}
	for _, l := range limitNames {
		if got["h2trace_limit_exceeded_total{limit="+l+"}"] == 0 {
			t.Errorf("the limit of %s is not said to be exceeded", l)
		}
	}
	if n := len(r.servers.origins); n > maxOrigins {
		t.Errorf("%d origins are kept", n)
	}
	if n := len(r.conns); n > maxConns {
		t.Errorf("%d connections are kept", n)
	}
	r.EndRun()
	if n := gathered(t, r)["h2trace_connections_open{role=client}"]; n != 0 || len(r.conns) != 0 {
		t.Errorf("%v connections after the run", n)
	}
}

// TestBeyondConns opens more connections than are kept, and closes them in another order. Opens and
// closes balance at each time; requests on those that are not kept have the role that they say, or
// an unknown one.
func TestBeyondConns(t *testing.T) {
	const beyond = 500
	r := New(Options{})
	role := func(i int) string { return []string{`"server"`, `"server"`, `"client"`, `null`}[i%4] }
	all := maxConns + beyond
	for i := range all {
		r.Take(event("conn", fmt.Sprintf(`"conn":"c%d","action":"open","role":%s`, i, role(i))))
	}
	quarter := float64(all / 4)
	checkSeries(t, r, map[string]float64{
		"h2trace_connections_open{role=server}": 2 * quarter, "h2trace_connections_open{role=client}": quarter, "h2trace_connections_open{role=unknown}": quarter,
	})
	for i := range 100 { // room for others, which are not those that were opened before
		r.Take(event("conn", fmt.Sprintf(`"conn":"c%d","action":"close","role":%s`, i, role(i))))
	}
	for i := maxConns; i < all; i++ {
		r.Take(event("exchange", fmt.Sprintf(`"conn":"c%d","stream":1,"method":"GET","url":"https://a.example/","status":200,"total_ms":1.000,"error":null,"role":"server"`, i)))
		r.Take(event("exchange", fmt.Sprintf(`"conn":"c%d","stream":3,"method":"GET","url":"https://a.example/","status":200,"total_ms":1.000,"error":null`, i)))
	}
	checkSeries(t, r, map[string]float64{
		"h2trace_requests_total{role=server}": beyond, "h2trace_requests_total{role=client}": 0, "h2trace_requests_total{role=unknown}": beyond,
		"h2trace_limit_exceeded_total{limit=connections}":                                                              3 * beyond,
		"http_server_request_duration_seconds{http_request_method=GET,http_response_status_code=200,url_scheme=https}": beyond,
	})
	for i := all - 1; i >= 100; i-- { // by now, all roles are known
		known := strings.Replace(role(i), "null", `"client"`, 1)
		r.Take(event("conn", fmt.Sprintf(`"conn":"c%d","action":"close","role":%s`, i, known)))
	}
	none := map[string]float64{"h2trace_connections_open{role=server}": 0, "h2trace_connections_open{role=client}": 0, "h2trace_connections_open{role=unknown}": 0}
	checkSeries(t, r, none)
	r.Take(event("conn", `"conn":"c0","action":"close","role":"client"`)) // one that was never opened
	checkSeries(t, r, none)
	if len(r.conns) != 0 || r.strays.any() {
		t.Errorf("%d connections are kept, and %v", len(r.conns), r.strays)
	}
}

// TestRoleLearned has a connection whose role is not known until its first exchange.
func TestRoleLearned(t *testing.T) {
	r := New(Options{})
	r.Take(event("conn", `"conn":"c1","action":"open","role":null`))
	r.Take(event("exchange", `"conn":"c1","stream":1,"method":"GET","url":"https://a.example/","status":200,"total_ms":1.000,"error":null,"role":"server"`))
	checkSeries(t, r, map[string]float64{
		"h2trace_connections_open{role=server}": 1, "h2trace_connections_open{role=unknown}": 0, "h2trace_requests_total{role=server}": 1,
	})
	r.Take(event("conn", `"conn":"c1","action":"close","role":"server"`))
	checkSeries(t, r, map[string]float64{"h2trace_connections_open{role=server}": 0, "h2trace_connections_open{role=unknown}": 0})
}

func checkSeries(t *testing.T, r *Recorder, want map[string]float64) {
	t.Helper()
	got := gathered(t, r)
	for name, n := range want {
		if value, ok := got[name]; !ok || value != n {
			t.Errorf("%s is %v, want %v", name, value, n)
		}
	}
}

// TestNames has the linter of Prometheus read what is exposed.
func TestNames(t *testing.T) {
	var text bytes.Buffer
	families, err := flooded(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteText(&text, families); err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.New(&text).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	names := make(map[string]bool)
	for _, f := range families {
		names[f.GetName()] = true
	}
	for _, m := range Catalogue {
		if m.Recorded != names[m.Exposed()] && m != &agentCPU && m != &agentMemory && m != &info && m != &serverDuration && m != &stallWindow && m != &retransmits && m != &outOfOrder && m != &segments {
			t.Errorf("%s is gathered: %v, recorded: %v", m.Exposed(), names[m.Exposed()], m.Recorded)
		}
	}
}

// FuzzTake takes any line. What is exposed stays valid, and within the limits.
func FuzzTake(f *testing.F) {
	f.Add(event("exchange", `"conn":"c1","url":"https://a.example:1/x","method":"GET","status":200,"total_ms":1.000,"reused":false,"stall_ms":{"recv_window":1.000}`))
	f.Add(event("exchange", `"conn":"c1","url":"a.example:443","method":"CONNECT","via":"http://p.example","error":{"class":"http_4xx"}`))
	f.Add(event("conn", `"conn":"c1","action":"open","role":"server"`))
	f.Add(event("conn", `"conn":"c1","action":"close","retransmits":1`))
	f.Add(event("conn", `"action":"failed","name":"x\u0000\ud800","remote":"[::1]:443","error":{"class":"tls"}`))
	f.Add(event("stall", `"side":"send_window","window":-1,"stall_ms":1e300`))
	f.Add(event("process", `"action":"lock","wait_ms":-1.000`))
	f.Add(event("loss", `"records":-1`))
	f.Add(event("summary", `"agent":{"cpu_ms":1.000,"max_rss_bytes":-1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r := New(Options{})
		for range 3 {
			r.Take(line)
		}
		families, err := r.Gather()
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if err := WriteText(&bytes.Buffer{}, families); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	})
}
