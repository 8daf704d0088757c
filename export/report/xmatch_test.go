package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLogWithEvents reads the log of a recorded run together with its events: nothing counts
// twice. A log of another run counts in full.
func TestLogWithEvents(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(exchange{begin: 10, dns: 5, connect: 5, tls: 10, wait: 9.4, url: xA + "v1.0.0.info", kind: "info", module: "example.com/m", bytes: 100})
	w.exchange(exchange{begin: 60, wait: 30.2, receive: 50, url: xA + "v1.0.0.mod", kind: "mod", module: "example.com/m", bytes: 100})
	w.exchange(exchange{begin: 200, wait: 40.3, url: xA + "v1.0.0.zip", kind: "zip", module: "example.com/m", bytes: 100})
	w.exchange(exchange{begin: 300, wait: 12, url: xA + "v1.0.1.zip", kind: "zip", module: "example.com/m", version: "v1.0.1", status: 404, class: "http_4xx"})
	w.exchange(exchange{begin: 315, wait: 2, url: xA + "v1.0.1.zip", kind: "zip", module: "example.com/m", version: "v1.0.1", status: 404, class: "http_4xx"})
	w.exchange(exchange{begin: 400, wait: 60, url: xA + "v1.0.2.zip", kind: "zip", module: "example.com/m", version: "v1.0.2", bytes: 100})
	w.line(320, "process", `"pid":7,"comm":"go","action":"error","module":{"path":"example.com/m","version":"v1.0.1"},"error":{"class":"http_4xx","detail":"example.com/m@v1.0.1: reading `+xA+`v1.0.1.zip: 404 Not Found"},`+
		`"requests":[{"conn":"c1","stream":1,"url":"`+xA+`v1.0.1.zip"}]`)
	w.exit(1000, 1)
	events := w.String()
	log := xget(xA+"v1.0.0.info", "200 OK (0.030s)") + xget(xA+"v1.0.0.mod", "200 OK (0.031s)") +
		xget(xA+"v1.0.0.zip", "200 OK (0.190s)") + // it waited for something that is not its own
		xget(xA+"v1.0.2.zip", "200 OK (0.062s)") +
		xget(xA+"v1.0.1.zip", "404 Not Found (0.015s)") + // with its second try
		"go: example.com/m@v1.0.1: reading " + xA + "v1.0.1.zip: 404 Not Found\n"
	var mixed strings.Builder
	for i, line := range strings.SplitAfter(log, "\n") {
		mixed.WriteString(line)
		if lines := strings.SplitAfter(events, "\n"); i < len(lines)-1 {
			mixed.WriteString(lines[i])
		}
	}
	rest := strings.Join(strings.SplitAfter(events, "\n")[strings.Count(log, "\n")+1:], "")
	want := encoded(t, read(t, events).Report())
	for name, files := range map[string][]string{
		"events first": {events, log},
		"log first":    {log, events},
		"one file":     {mixed.String() + rest},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder()
			for _, file := range files {
				if err := b.Read(strings.NewReader(file)); err != nil {
					t.Fatal(err)
				}
			}
			r := b.Report()
			if r.Logs == nil || r.Logs.InEvents != 5 || r.Logs.Requests != 0 || r.Logs.Recorded != 1 || r.Logs.Runs != 0 {
				t.Errorf("got %+v", r.Logs)
			}
			got := encoded(t, r)
			if got["logs"].(map[string]any)["wait_ms"] != nil {
				t.Errorf("a time of no run: %v", got["logs"])
			}
			got["logs"] = nil
			evidence := got["verdict"].(map[string]any)
			list := evidence["evidence"].([]any)
			if last := list[len(list)-1]; last != "5 requests of logs of go -x counted once: the events have them, too" {
				t.Errorf("got %v", list)
			}
			evidence["evidence"] = list[:len(list)-1]
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-events +both:\n%s", diff)
			}
		})
	}
	t.Run("another run", func(t *testing.T) {
		b := NewBuilder()
		for _, file := range []string{events, strings.ReplaceAll(strings.ReplaceAll(log, "(0.03", "(0.02"), "(0.015", "(0.115")} {
			if err := b.Read(strings.NewReader(file)); err != nil {
				t.Fatal(err)
			}
		}
		r := b.Report()
		var out strings.Builder
		if err := r.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "\nWhere the time went: 1 run, without 1 log of go -x\n") {
			t.Errorf("got\n%s", out.String())
		}
		if l := r.Logs; r.Runs != 2 || l.InEvents != 0 || l.Requests != 5 || r.Proxies[0].Requests != 11 || r.Wall < 1000 {
			t.Errorf("%d runs, %+v, %+v", r.Runs, l, r.Proxies)
		}
	})
}

// TestUnendedWithEvents has a command that is stopped while its only request waits.
func TestUnendedWithEvents(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(exchange{begin: 10, wait: 5000, url: xA + "list", kind: "list", module: "example.com/m", status: noStatus, open: true})
	b := NewBuilder()
	for _, file := range []string{"# get " + xA + "list\n", w.String()} {
		if err := b.Read(strings.NewReader(file)); err != nil {
			t.Fatal(err)
		}
	}
	if r := b.Report(); r.Logs.InEvents != 1 || r.Logs.Unended != 0 || r.Runs != 1 || r.Proxies[0].Requests != 1 {
		t.Errorf("got %+v, %+v", r.Logs, r.Proxies)
	}
}

// TestUnreachedWithEvents has a proxy that nobody reaches: the log has its requests, the events
// have its connections.
func TestUnreachedWithEvents(t *testing.T) {
	const why = "dial tcp 192.0.2.1:443: connect: connection refused"
	var w writer
	w.command(0)
	w.line(10, "conn", `"pid":7,"comm":"go","conn":"c1","action":"failed","role":"client","remote":"192.0.2.1:443","name":"a.example","connect_ms":1.000,`+
		`"error":{"class":"connect","detail":"ECONNREFUSED"},"proxy":"https://a.example/go","next":"none"`)
	w.exit(20, 1)
	want := read(t, w.String()).Report()
	b := NewBuilder()
	for _, file := range []string{w.String(), "# get " + xA + "list\n# get " + xA + "list: Get \"" + xA + "list\": " + why + "\n"} {
		if err := b.Read(strings.NewReader(file)); err != nil {
			t.Fatal(err)
		}
	}
	got := b.Report()
	if got.Logs.InEvents != 1 || got.Runs != 1 || !cmp.Equal(got.Verdict.Text, want.Verdict.Text) || len(got.Proxies) != len(want.Proxies) {
		t.Errorf("got %+v, %+v, want %+v", got.Logs, got.Verdict, want.Verdict)
	}
}
