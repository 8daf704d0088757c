package page_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"h2trace/export/report"
)

// oddRuns are runs that lack what others have, or have what none should.
var oddRuns = map[string]func(w *events){
	"a process alone": func(w *events) { w.begin(); w.end(1000) },
	"exchanges alone": func(w *events) { w.exchange(0, 1000, 1000, 1, 1, "https://goproxy.example/m.zip", 200) },
	"frames alone": func(w *events) {
		w.line(0, "frame", `"conn":"c1","dir":"recv","stream":1,"type":"DATA","window":{"conn_recv":1,"stream_recv":null}`)
	},
	"a failed lookup": func(w *events) {
		w.begin()
		w.line(9000, "conn", `"action":"failed","remote":null,"dns_ms":8,"name":"nowhere.example","error":{"class":"dns","detail":"NXDOMAIN"}`)
		w.end(10_000)
	},
	"a server": func(w *events) {
		w.line(0, "process", `"action":"attached","ppid":1,"exe":"/usr/bin/goproxy"`)
		w.line(500, "conn", `"conn":"c1","action":"open","remote":"203.0.113.7:5000","role":"server","joined":"start","tls":{"version":"TLS 1.3"},"tls_ms":1`)
		w.exchange(1000, 1000, 1000, 1, 1, "https://goproxy.example/m.zip", 200)
		w.line(9000, "summary", `"command":null`)
	},
	"unknown times": func(w *events) {
		w.begin()
		w.line(5000, "exchange", `"conn":"c1","stream":1,"method":null,"url":null,"status":null,"response_bytes":null,"wait_ms":null,"total_ms":null,"stall_ms":null,"error":{"class":"aborted","detail":""},"open":true`)
		w.end(10_000)
	},
	"times of other ages": func(w *events) {
		w.begin()
		w.line(-1e15, "exchange", `"conn":"c1","stream":1,"method":"GET","url":"https://m.example/","status":200,"response_bytes":-5,"wait_ms":1e12,"total_ms":1e12`)
		w.line(1e15, "exchange", `"conn":"c1","stream":9007199254740993,"method":"GET","url":"https://m.example/","status":-1,"wait_ms":-5,"total_ms":-5`)
		w.line(-1e15, "stall", `"conn":"c1","stream":1,"side":"recv_window","window":-9223372036854775808,"start":"0001-01-01T00:00:00.000000000Z","stall_ms":1e12`)
		w.line(1e12, "frame", `"conn":"c1","dir":"recv","stream":1,"type":"DATA","window":{"conn_recv":9223372036854775807,"stream_recv":-9223372036854775808}`)
		w.line(-1e12, "frame", `"conn":"c1","dir":"recv","stream":1,"type":"DATA","window":{"conn_recv":-9223372036854775808,"stream_recv":9223372036854775807}`)
		w.end(10_000)
	},
	"a process with the pid of another": func(w *events) {
		w.begin()
		w.line(1000, "process", `"action":"exit","exit_code":0`)
		w.begin()
		w.line(2000, "process", `"action":"exit","exit_code":0`)
		w.end(10_000)
	},
	"a log of go -x": func(w *events) {
		fmt.Fprint(&w.Builder, "# get https://goproxy.example/m/@v/list\n# get https://goproxy.example/m/@v/list: 200 OK (0.125s)\n")
	},
}

// TestOddRuns shows each odd run, and does to it what keys and tools do.
func TestOddRuns(t *testing.T) {
	r := report.NewBuilder()
	r.HTML()
	for _, name := range slices.Sorted(maps.Keys(oddRuns)) {
		w := new(events)
		oddRuns[name](w)
		if err := r.Read(strings.NewReader(w.String())); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, file(t, written(t, r)), screen{1000, 700, false})
	texts := eval[[]string](b, `report.runs.map((run, i) => {
		chooseRun(i);
		for (const order of ["begin", "total", "bytes", "tree"]) { state.order = order; renew(); drawNow(); }
		for (let i = 0; i < waterfall.rows.length; i++) { select(i, true); drawNow(); zoomToRow(); drawNow(); }
		for (const key of ["+", "-", "c", "ArrowLeft", "ArrowRight", "0", "End"]) { onKey({ key }); drawNow(); }
		byId("search").value = "a"; setFilter(); clearFilter(); redrawAll();
		return run.name + "\n" + document.body.innerText;
	})`)
	if len(texts) != len(oddRuns) {
		t.Errorf("%d runs, want %d", len(texts), len(oddRuns))
	}
	for _, text := range texts {
		if strings.Contains(text, "NaN") || strings.Contains(text, "undefined") || strings.Contains(text, "Infinity") {
			t.Errorf("the page says of %s", text)
		}
	}
	b.wantQuiet()
}
