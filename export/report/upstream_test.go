package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestUpstream has an observed module proxy: what it serves from its cache, what it asks for
// itself, what it runs a go command for, and what two of its clients wait for at once.
func TestUpstream(t *testing.T) {
	var w writer
	w.attached(0)
	w.line(1, "conn", `"pid":7,"comm":"proxy","conn":"s1","action":"open","remote":"192.0.2.9:1234","role":"server","joined":"start","tls":null`)
	exchange := func(begin, end float64, pid int, conn, kind, version, more string) {
		w.line(end, "exchange", `"pid":%d,"comm":"x","conn":%q,"stream":1,"method":"GET","url":"https://goproxy.example/m.example/@v/x","status":200,`+
			`"wait_ms":%.3f,"receive_ms":0.000,"total_ms":%.3f,"module":{"path":"m.example","version":%s,"kind":%q}%s`, pid, conn, end-begin, end-begin, version, kind, more)
	}
	exchange(110, 190, 7, "c1", "info", `"v1.0.0"`, "")
	exchange(100, 200, 7, "s1", "info", `"v1.0.0"`, "") // a miss: 80 of 100 ms
	exchange(210, 220, 7, "s1", "info", `"v1.0.0"`, "") // a hit
	exchange(300, 360, 8, "c2", "zip", `"v1.0.0"`, "")  // by a go command that the proxy runs
	exchange(310, 380, 7, "s1", "zip", `"v1.0.0"`, "")  // waits for 50 ms
	exchange(320, 390, 7, "s1", "zip", `"v1.0.0"`, "")  // and this one for 40
	exchange(400, 440, 7, "s1", "mod", `"v1.0.0"`, "")  // a hit: nothing was asked for then
	exchange(500, 600, 7, "s1", "list", `null`, "")     // a miss, told before its cause
	exchange(510, 590, 7, "c1", "latest", `"v9.9.9"`, "")
	exchange(700, 800, 7, "s1", "info", `"v8.0.0"`, `,"error":{"class":"http_5xx","detail":"502"}`)
	w.line(1000, "summary", `"duration_ms":1000.000,"command":null,"records":{"seen":1,"delivered":1,"lost":0}`)
	r := read(t, w.String()).Report()
	got := r.Served
	for i := range got {
		got[i].Hit, got[i].Miss = nil, nil
	}
	want := []ServedKind{
		{Kind: "info", Requests: 3, Failed: 1, Hits: 1, Misses: 1, Own: 20, Upstream: 80},
		{Kind: "list", Requests: 1, Misses: 1, Own: 20, Upstream: 80},
		{Kind: "mod", Requests: 1, Hits: 1},
		{Kind: "zip", Requests: 2, Misses: 2, Own: 50, Upstream: 90},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if said := strings.Join(r.Verdict.Evidence, "\n"); !strings.Contains(said, "of 6 module requests that it answered, it had to ask for 4 itself: of 85 ms each (mean) it waited for 62 ms") {
		t.Errorf("got %s", said)
	}
	if r.Time.Other != 220 || r.Time.Idle != 560 {
		t.Errorf("got %+v, want 220 ms of work on requests outside of those that it made", r.Time)
	}
	if len(r.Kinds) != 3 || len(r.Proxies) != 1 || r.Proxies[0].Requests != 3 {
		t.Errorf("the other side: %+v, %+v", r.Kinds, r.Proxies)
	}
}

// TestOwnServer has a program that asks its own server: the requests are one and the same.
func TestOwnServer(t *testing.T) {
	var w writer
	w.attached(0)
	w.line(1, "conn", `"pid":7,"comm":"x","conn":"s1","action":"open","local":"127.0.0.1:443","remote":"127.0.0.1:1234","role":"server","joined":"start","tls":null`)
	w.line(2, "conn", `"pid":7,"comm":"x","conn":"c1","action":"open","local":"127.0.0.1:1234","remote":"127.0.0.1:443","role":"client","joined":"start","tls":null`)
	for _, conn := range []string{"c1", "s1"} {
		w.line(300, "exchange", `"pid":7,"comm":"x","conn":%q,"stream":1,"method":"GET","url":"https://127.0.0.1/","status":200,"wait_ms":200.000,"receive_ms":0.000,"total_ms":200.000`, conn)
	}
	w.line(1000, "summary", `"duration_ms":1000.000,"command":null,"records":{"seen":1,"delivered":1,"lost":0}`)
	if got := read(t, w.String()).Report().Time; got.Wait != 200 || got.Other != 0 || got.Idle != 800 {
		t.Errorf("got %+v", got)
	}
}

// TestClientOfProxy has a go command and its module proxy, both observed: the request of the
// one is not a request that the other made, and no zip is fetched for a second cache.
func TestClientOfProxy(t *testing.T) {
	var w writer
	w.attached(0)
	w.line(1, "conn", `"pid":9,"comm":"go","conn":"c1","action":"open","local":"192.0.2.9:1234","remote":"192.0.2.7:443","role":"client","joined":"start","tls":null`)
	w.line(1, "conn", `"pid":7,"comm":"proxy","conn":"s1","action":"open","local":"192.0.2.7:443","remote":"192.0.2.9:1234","role":"server","joined":"start","tls":null`)
	w.line(1, "conn", `"pid":7,"comm":"proxy","conn":"c2","action":"open","local":"192.0.2.7:5678","remote":"192.0.2.1:443","role":"client","joined":"start","tls":null`)
	zip := func(begin, end float64, pid int, conn, host, version string) {
		w.line(end, "exchange", `"pid":%d,"comm":"x","conn":%q,"stream":1,"method":"GET","url":"https://%s/m.example/@v/%s.zip","status":200,"response_bytes":100,`+
			`"wait_ms":%.3f,"receive_ms":0.000,"total_ms":%.3f,"module":{"path":"m.example","version":%q,"kind":"zip"}`, pid, conn, host, version, end-begin, end-begin, version)
	}
	zip(110, 190, 7, "s1", "proxy.corp.example", "v1.0.0") // a hit
	zip(100, 200, 9, "c1", "proxy.corp.example", "v1.0.0")
	zip(320, 380, 7, "c2", "goproxy.example", "v1.1.0")
	zip(310, 390, 7, "s1", "proxy.corp.example", "v1.1.0") // a miss
	zip(300, 400, 9, "c1", "proxy.corp.example", "v1.1.0")
	w.line(1000, "summary", `"duration_ms":1000.000,"command":null,"records":{"seen":1,"delivered":1,"lost":0}`)
	r := read(t, w.String()).Report()
	if got := r.Served[0]; got.Hits != 1 || got.Misses != 1 || got.Own != 20 || got.Upstream != 60 {
		t.Errorf("got %+v, want a hit, and a miss of which 60 of 80 ms are for the upstream", got)
	}
	if said := strings.Join(r.Verdict.Evidence, "\n"); strings.Contains(said, "same zips") {
		t.Errorf("it says %s", said)
	}
}

// TestServedInTheFuture has a served request of a later time before all others, as two
// recordings in one file have: what waits to be judged is bounded.
func TestServedInTheFuture(t *testing.T) {
	const n = maxWaiting + 100
	var u upstream
	x := exchangeEvent{moduleKeys: moduleKeys{kind: []byte(`"info"`), path: []byte(`"m.example"`), version: []byte(`"v1.0.0"`)}}
	x.known[phaseTotal] = true
	x.at = wallTime(24 * time.Hour)
	for range n {
		u.serve(&x)
		x.at = wallTime(time.Hour)
	}
	if len(u.waiting) > maxWaiting {
		t.Errorf("%d requests wait, want %d at most", len(u.waiting), maxWaiting)
	}
	if u.end(); u.kinds.values["info"].requests != n {
		t.Errorf("got %+v, want %d requests", u.kinds.values["info"], n)
	}
}

// TestManyServed has more served requests than are remembered, of a proxy that asked once: it
// works on all of them, and is idle for the rest.
func TestManyServed(t *testing.T) {
	const n = 3 * maxPeriods
	var w writer
	w.attached(0)
	w.line(1, "conn", `"pid":7,"comm":"proxy","conn":"s1","action":"open","remote":"192.0.2.9:1234","role":"server","joined":"start","tls":null`)
	w.exchange(exchange{begin: 2, url: "https://a.example/", wait: 1})
	for i := range n {
		w.line(float64(10*i+18), "exchange", `"pid":7,"comm":"proxy","conn":"s1","stream":1,"method":"GET","url":"https://b.example/","status":200,"wait_ms":4.000,"receive_ms":0.000,"total_ms":4.000`)
	}
	w.line(10*n+20, "summary", `"duration_ms":1.000,"command":null,"records":{"seen":1,"delivered":1,"lost":0}`)
	if got := read(t, w.String()).Report().Time; got.Wait != 1 || got.Other != 4*n || got.Idle != 6*n+19 {
		t.Errorf("got %+v, want %d ms of work", got, 4*n)
	}
}
