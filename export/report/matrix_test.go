package report

import (
	"strings"
	"testing"
)

// row is a situation: what happens in a run of a second, and what is said of it.
type row struct {
	name  string
	write func(*writer)
	exit  int  // status of the command
	runs  bool // processes that were running before: there is no command

	cause    Cause
	text     string   // of the verdict, whole
	evidence []string // each is in a line of the evidence
	never    []string // none is in the text or the evidence
}

// checkRows demands what the rows say.
func checkRows(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			var w writer
			if r.runs {
				w.attached(0)
			} else {
				w.command(0)
			}
			r.write(&w)
			if r.runs {
				w.line(1000, "summary", `"duration_ms":1000.000,"records":{"seen":1,"delivered":1,"lost":0}`)
			} else {
				w.exit(1000, r.exit)
			}
			v := read(t, w.String()).Report().Verdict
			if v.Cause != r.cause || v.Text != r.text {
				t.Errorf("got  %s: %s\nwant %s: %s", v.Cause, v.Text, r.cause, r.text)
			}
			evidence := strings.Join(v.Evidence, "\n")
			for _, want := range r.evidence {
				if !strings.Contains(evidence, want) {
					t.Errorf("no evidence %q in\n%s", want, evidence)
				}
			}
			for _, word := range r.never {
				if strings.Contains(v.Text+"\n"+evidence, word) {
					t.Errorf("it says %q", word)
				}
			}
		})
	}
}

const (
	infoURL = "https://goproxy.example/m.example/@v/v1.0.0.info"
	pageURL = "https://web.example/page"
	calm    = "and no phase of the network took more than 30 % of the time and 100 ms"
)

// info is a request to a module proxy.
func info(x exchange) exchange {
	x.url, x.kind, x.module = infoURL, "info", "m.example"
	return x
}

// TestNotRecorded has events that were left out, and processes that never came.
func TestNotRecorded(t *testing.T) {
	summary := func(processes, exchanges int) func(*writer) {
		return func(w *writer) {
			w.line(999, "summary", `"duration_ms":999.000,"processes":%d,"exchanges":%d,"records":{"seen":1,"delivered":1,"lost":0},"command":null`, processes, exchanges)
		}
	}
	for _, tt := range []struct {
		name  string
		write func(*writer)
		want  string
	}{
		{"no exchanges", func(w *writer) {
			w.attached(0)
			w.opened(1, "goproxy.example", "192.0.2.1:443")
			summary(1, 3)(w)
		}, "3 exchanges were observed, and none is in the file: keep exchange and conn events (h2trace -e)"},
		{"processes alone", func(w *writer) {
			w.attached(0)
			summary(1, 30)(w)
		}, "30 exchanges were observed, and none is in the file: keep exchange and conn events (h2trace -e)"},
		{"nobody", summary(0, 0), "no process was observed: none ran the program, or those that did had ended"},
	} {
		var w writer
		tt.write(&w)
		if v := read(t, w.String()).Report().Verdict; v.Cause != Client || v.Text != tt.want {
			t.Errorf("%s: got %s: %s", tt.name, v.Cause, v.Text)
		}
	}
}

// TestSlowReader has windows that are used up because whoever grants them reads
// slowly: 2 MB/s, where they allow 84 (quantiles are within 1 %).
func TestSlowReader(t *testing.T) {
	const text = " reads slowly, and so the window of 4194304 bytes that it grants is used up: 2.00 MB/s went through, where the window allows 84.68; a larger one would not help"
	stalled := func(w *writer, side string) {
		w.line(900, "stall", `"pid":7,"comm":"x","conn":"c1","stream":1,"side":%q,"window":4194304,"start":%q,"stall_ms":800.000`, side, at(100))
	}
	checkRows(t, []row{
		{
			name: "the process", write: func(w *writer) {
				stalled(w, "recv_window")
				w.exchange(exchange{url: pageURL, begin: 50, receive: 900, recvStall: 800, bytes: 1_800_000})
				w.close(960, "c1", 50, 0)
			},
			cause: Client, text: "the process" + text, never: []string{"would not hold it up"},
		},
		{
			name: "the client of a server", write: func(w *writer) {
				w.role(10, "c1", "server", "192.0.2.7:5000")
				stalled(w, "send_window")
				w.exchange(exchange{url: pageURL, begin: 50, receive: 900, sendStall: 800, bytes: 1_800_000})
				w.close(960, "c1", 50, 0)
			}, runs: true,
			cause: SendWindow, text: "its peer" + text,
		},
	})
}

// TestUnanswered has what never came.
func TestUnanswered(t *testing.T) {
	never := []string{"no request of it did", "nothing failed", "nearer", "warm cache"}
	checkRows(t, []row{
		{
			name:  "interrupted while a request waits",
			write: func(w *writer) { w.exchange(info(exchange{begin: 50, wait: 900, status: noStatus, class: "aborted"})) }, exit: 130,
			cause: ServerWait, text: "900 ms of 1.00 s went to waiting for an answer to GET " + infoURL + " from https://goproxy.example, which never came",
			evidence: []string{"1 request was given up (aborted): " + infoURL + ": given up without an answer, after 900 ms", "the command was interrupted (SIGINT, exit status 130)"}, never: append(never, "ended with", "timeout"),
		},
		{
			name: "two requests at once",
			write: func(w *writer) {
				w.exchange(info(exchange{begin: 50, wait: 900, status: noStatus, class: "aborted"}))
				w.exchange(info(exchange{begin: 60, wait: 890, status: noStatus, class: "aborted"}))
			}, exit: 130,
			cause: ServerWait, text: "900 ms of 1.00 s went to waiting for an answer to GET " + infoURL + " from https://goproxy.example, which never came",
			evidence: []string{"2 such requests in all", "2 requests were given up (aborted), such as " + infoURL}, never: append(never, "timeout"),
		},
		{
			name: "given up, and the command goes on",
			write: func(w *writer) {
				w.exchange(exchange{begin: 50, url: pageURL, wait: 900, status: noStatus, class: "aborted"})
			},
			cause: ServerWait, text: "900 ms of 1.00 s went to waiting for an answer to GET " + pageURL + " from https://web.example, which never came",
			evidence: []string{"1 request was given up (aborted)"}, never: append(never, "proxy"),
		},
		{
			name: "a deadline that the go command complains of",
			write: func(w *writer) {
				w.exchange(info(exchange{begin: 50, wait: 900, status: noStatus, class: "aborted"}))
				w.line(960, "process", `"pid":7,"comm":"go","action":"error","module":null,"error":{"class":"timeout","detail":"Client.Timeout exceeded"}`)
			}, exit: 1,
			cause: ServerWait, text: "900 ms of 1.00 s went to waiting for an answer to GET " + infoURL + " from https://goproxy.example, which never came",
			evidence: []string{"timeout"}, never: never,
		},
		{
			name: "a client and its server in one run",
			write: func(w *writer) {
				w.role(10, "c1", "server", "192.0.2.7:5000")
				w.exchange(info(exchange{begin: 50, conn: "c2", wait: 890, status: noStatus, class: "aborted"}))
				w.exchange(info(exchange{begin: 49, wait: 900, status: noStatus, class: "aborted"}))
			}, exit: 1,
			cause: ServerWait, text: "890 ms of 1.00 s went to waiting for an answer to GET " + infoURL + " from https://goproxy.example, which never came",
			never: never,
		},
		{
			name: "others are given up because one failed",
			write: func(w *writer) {
				w.exchange(info(exchange{begin: 50, wait: 500, status: 503, class: "http_5xx"}))
				w.exchange(exchange{begin: 60, url: infoURL + "2", wait: 490, status: noStatus, class: "aborted"})
				w.line(960, "process", `"pid":7,"comm":"go","action":"error","module":null,"error":{"class":"http_5xx","detail":"503 Service Unavailable"}`)
			}, exit: 1,
			cause: Errors, text: "requests failed (http_5xx): " + anyOne,
			never: []string{"timeout", "never came"},
		},
		{
			name: "a body that stops",
			write: func(w *writer) {
				w.exchange(info(exchange{begin: 50, wait: 10, receive: 900, bytes: 5, class: "aborted"}))
			}, exit: 130,
			cause: ServerWait, text: "900 ms of 1.00 s went to waiting for the rest of the response to GET " + infoURL + " from https://goproxy.example, which never came",
			evidence: []string{"in the middle of the response"}, never: append(never, "delivers slowly"),
		},
		{
			name: "a body that stops after a while",
			write: func(w *writer) {
				w.exchange(info(exchange{begin: 50, wait: 10, receive: 900, bytes: 5, class: "aborted", more: `,"silent_ms":600.000`}))
			}, exit: 130,
			cause: ServerWait, text: "600 ms of 1.00 s went to waiting for the rest of the response to GET " + infoURL + " from https://goproxy.example, which never came",
			evidence: []string{"in the middle of the response, after 600 ms"}, never: append(never, "delivers slowly"),
		},
		{
			name: "a body that comes on until it is given up",
			write: func(w *writer) {
				w.exchange(info(exchange{begin: 50, wait: 10, receive: 900, bytes: 100_000, class: "aborted", more: `,"silent_ms":20.000`}))
			}, exit: 130,
			cause: Bandwidth, text: "the line, or the proxy, delivers slowly: a nearer one would help",
			never: []string{"never came", "timeout"},
		},
		{
			name: "open at the end",
			write: func(w *writer) {
				w.exchange(exchange{begin: 50, url: pageURL, wait: 900, status: noStatus, open: true})
			}, runs: true,
			cause: ServerWait, text: "900 ms of 900 ms went to waiting for an answer to GET " + pageURL + " from https://web.example, which never came",
			evidence: []string{"GET " + pageURL + " waits for an answer since 03:04:05.050Z (900 ms)"}, never: never,
		},
		{
			name:  "a stream of events, open at the end",
			write: func(w *writer) { w.exchange(exchange{begin: 50, url: pageURL, wait: 5, receive: 900, open: true}) }, runs: true,
			cause: Healthy, text: "nothing failed, " + calm,
			evidence: []string{"has an answer that has not ended since", "with no request under way"}, never: []string{"never came", "processes themselves"},
		},
		{
			name: "a connection without a packet, asked before",
			write: func(w *writer) {
				w.line(1000, "conn", `"pid":7,"comm":"x","action":"silent","remote":"192.0.2.1:443","role":"client","joined":"mid","silent_ms":5000.000,"last":"send","other_way_ms":9000.000`)
			}, runs: true,
			cause: ServerWait, text: "1.00 s of 1.00 s went to waiting for an answer from 192.0.2.1:443, on a connection on which nothing more came",
			evidence: []string{"the process spoke last, since 03:04:01.000Z (5.00 s)"}, never: never,
		},
		{
			name: "a connection that is not made, at the end",
			write: func(w *writer) {
				w.line(1000, "conn", `"pid":7,"comm":"x","action":"silent","remote":"192.0.2.1:443","role":"client","joined":"mid","state":"connecting","silent_ms":5000.000,"last":"send"`)
			}, runs: true,
			cause: Connect, text: "1.00 s of 1.00 s went to connecting to 192.0.2.1:443, which does not answer: look at the address, the network and the firewall",
			evidence: []string{"to 192.0.2.1:443 is not made since 03:04:01.000Z (5.00 s)"}, never: never,
		},
		{
			name: "a connection to a program of another protocol, closed",
			write: func(w *writer) {
				w.line(900, "conn", `"pid":7,"comm":"x","action":"silent","remote":"192.0.2.1:5432","role":"client","joined":"start","state":"closed","silent_ms":0.050,"last":"send","bytes_sent":10,"bytes_received":90`)
			},
			cause: Healthy, text: "nothing failed, " + calm, never: []string{"192.0.2.1"},
		},
		{
			name: "a connection that may be idle",
			write: func(w *writer) {
				w.line(1000, "conn", `"pid":7,"comm":"x","action":"silent","remote":"192.0.2.1:443","role":"client","joined":"mid","state":"connected",`+
					`"bytes_sent":9,"bytes_received":9,"silent_ms":5000.000,"last":"send","other_way_ms":5004.000`)
			}, runs: true,
			cause: Client, text: "no data went while the processes were observed: they wait for an answer, or have nothing to ask",
			evidence: []string{"to 192.0.2.1:443 has carried nothing since 03:04:01.000Z (5.00 s)"}, never: []string{"never came", "processes themselves"},
		},
		{
			name: "a handshake that is not answered",
			write: func(w *writer) {
				w.line(50, "conn", `"pid":7,"comm":"go","conn":"c1","action":"open","remote":"192.0.2.1:443","role":"client","joined":"start","tls":{"version":null},"connect_ms":1.000,"tls_ms":null`)
				w.line(950, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","remote":"192.0.2.1:443","role":"client","joined":"start","tls":{"version":null},"connect_ms":1.000,"tls_ms":null,"bytes_sent":0,"bytes_received":0`)
			}, exit: 130,
			cause: TLS, text: "900 ms of 1.00 s went to a TLS handshake with 192.0.2.1:443 that never ended: look at what listens there, and at what stands between",
			never: never,
		},
		{
			name: "a connection that is not answered",
			write: func(w *writer) {
				w.line(950, "conn", `"pid":7,"comm":"go","action":"failed","remote":"192.0.2.1:443","connect_ms":900.000,"error":{"class":"connect","detail":"given up by the process"}`)
			}, exit: 130,
			cause: Connect, text: "900 ms of 1.00 s went to connecting to 192.0.2.1:443, which does not answer: look at the address, the network and the firewall",
			never: never,
		},
	})
}

// TestCost has what failed and what took long not be the same.
func TestCost(t *testing.T) {
	checkRows(t, []row{
		{
			name: "one of two addresses does not answer",
			write: func(w *writer) {
				w.line(402, "conn", `"pid":7,"comm":"go","action":"failed","remote":"[2001:db8::1]:443","connect_ms":302.000,"name":"web.example","error":{"class":"connect","detail":"given up by the process"}`)
				w.opened(401, "web.example", "127.0.0.1:443")
				w.exchange(exchange{begin: 400, url: pageURL, connect: 1, wait: 50})
			},
			cause: Connect, text: "300 ms of 1.00 s went to connecting to [2001:db8::1]:443, which does not answer; " +
				"127.0.0.1:443 was asked then: repair that address, or leave it out",
			never: []string{"nearer"},
		},
		{
			name: "a proxy that refuses, and another that does not",
			write: func(w *writer) {
				w.failed(10, "one.example", "192.0.2.1:443", "connect", "ECONNREFUSED")
				w.exchange(info(exchange{begin: 20, wait: 50}))
			},
			cause: Healthy, text: "the command succeeded, " + calm, evidence: []string{"ECONNREFUSED"}, never: []string{"nothing failed", "suggest"},
		},
		{
			name:  "a name that is not found, and not needed",
			write: func(w *writer) { w.failed(10, "one.example", "", "dns", "NXDOMAIN") },
			cause: Healthy, text: "the command succeeded, " + calm, evidence: []string{"NXDOMAIN"},
		},
		{
			name: "a proxy that takes long to fail",
			write: func(w *writer) {
				w.exchange(info(exchange{begin: 20, wait: 800, status: 503, class: "http_5xx"}))
				w.exchange(exchange{begin: 850, url: "https://two.example/x", wait: 50})
			},
			cause: ServerWait, text: "800 ms of 1.00 s went to https://goproxy.example, which failed (why)", never: []string{"warm cache"},
		},
		{
			name:  "git",
			write: func(w *writer) { w.tool(100, 900, 8, "/usr/bin/git", `,"args":["git","fetch","origin"]`, 0) },
			cause: VCS, text: "800 ms of 1.00 s went to git, which fetched modules directly: look at the host of the repository, and at the line to it",
			never: []string{"proxy"},
		},
		{
			name:  "git that looks at the working tree",
			write: func(w *writer) { w.tool(100, 900, 8, "/usr/bin/git", `,"args":["git","status","--porcelain"]`, 0) },
			cause: VCS, text: "800 ms of 1.00 s went to git, such as git status --porcelain", never: []string{"proxy", "directly"},
		},
		{
			name: "compilers, and no request",
			write: func(w *writer) {
				w.tool(10, 90, 9, "/opt/go/bin/go", "", 0)
				w.tool(100, 500, 8, "/opt/go/pkg/tool/linux_amd64/compile", "", 0)
				w.tool(100, 600, 8, "/opt/go/pkg/tool/linux_amd64/compile", "", 0)
			},
			cause: Healthy, text: "no request was made: all that the go command needed was in the module cache; 2 compile processes took 900 ms in all",
			never: []string{"0 %"},
		},
		{
			name: "a server that works",
			write: func(w *writer) {
				w.role(10, "c1", "server", "192.0.2.7:5000")
				w.exchange(exchange{begin: 100, url: pageURL, wait: 600})
			}, exit: 130,
			cause: Healthy, text: "nothing failed, " + calm, evidence: []string{"600 ms of 600 ms (100 %) went to the processes", "400 ms of 1.00 s (40 %) passed with no request under way"},
			never: []string{"proxy", "server_wait"},
		},
		{
			name: "a server that fails",
			write: func(w *writer) {
				w.role(10, "c1", "server", "192.0.2.7:5000")
				w.exchange(exchange{begin: 100, url: pageURL, wait: 6, status: 500, class: "http_5xx"})
				w.exchange(exchange{begin: 150, url: pageURL, wait: 6, status: 500, class: "http_5xx"})
				w.exchange(exchange{begin: 200, url: pageURL, wait: 6, status: 404, class: "http_4xx"})
			}, exit: 130,
			cause: Errors, text: "the observed server failed most requests: read its log",
			evidence: []string{"the observed server failed 2 of 3 requests (1 http_4xx, 2 http_5xx)"}, never: []string{"proxy"},
		},
		{
			name: "a server that fails at times",
			write: func(w *writer) {
				w.role(10, "c1", "server", "192.0.2.7:5000")
				for i := range 5 {
					w.exchange(exchange{begin: float64(100 * i), url: pageURL, wait: 6})
				}
				w.exchange(exchange{begin: 700, url: pageURL, wait: 6, status: 500, class: "http_5xx"})
			},
			cause: Healthy, text: "the observed server failed some requests, " + calm, evidence: []string{"failed 1 of 6 requests"}, never: []string{"proxy", "nothing failed"},
		},
		{
			name:  "interrupted with nothing under way",
			write: func(w *writer) { w.exchange(info(exchange{begin: 20, wait: 50})) }, exit: 130,
			cause: Client, text: "the command was interrupted, and no request of it had failed",
			evidence: []string{"the command was interrupted (SIGINT, exit status 130)"},
		},
		{
			name: "nothing to observe",
			write: func(w *writer) {
				w.Reset()
				w.line(1, "process", `"pid":7,"comm":"x","action":"exec","ppid":1`)
				w.line(1, "process", `"pid":7,"comm":"x","action":"skipped","exe":"/usr/bin/dash","reason":"not a Go binary"`)
			},
			cause: Client, text: "nothing could be observed: /usr/bin/dash: not a Go binary",
		},
		{
			name: "its go command had its probes too late",
			write: func(w *writer) {
				w.line(100, "process", `"pid":8,"comm":"go","action":"exec","ppid":7,"exe":"/usr/bin/go"`)
				w.line(150, "process", `"pid":8,"comm":"go","action":"attached","ppid":7,"exe":"/usr/bin/go"`)
				w.line(150, "process", `"pid":8,"comm":"go","action":"attached","ppid":7,"exe":"/usr/bin/go","reason":"its probes were not in place before it spoke","unseen":true`)
			}, exit: 1,
			cause: Client, text: "the command failed (exit status 1), nothing was seen of /usr/bin/go: its probes were not in place before it spoke; and no other request did: read what it printed",
		},
		{
			name: "a success of which nothing is seen",
			write: func(w *writer) {
				w.line(100, "process", `"pid":8,"comm":"go","action":"exec","ppid":7,"exe":"/usr/bin/go"`)
				w.line(150, "process", `"pid":8,"comm":"go","action":"skipped","ppid":7,"exe":"/usr/bin/go","reason":"it exited before it could be looked at","unseen":true`)
				w.line(160, "process", `"pid":9,"comm":"x","action":"attached","ppid":7,"exe":"/usr/bin/x"`)
			},
			cause: Client, text: "no request was seen: nothing was seen of /usr/bin/go: it exited before it could be looked at",
		},
	})
}

// TestStoppedBody demands that the table has the time where the first line has it.
func TestStoppedBody(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(info(exchange{begin: 50, wait: 10, receive: 900, bytes: 5, class: "aborted", more: `,"silent_ms":600.000`}))
	w.exit(1000, 130)
	got := read(t, w.String()).Report().Time
	if want := (Time{Wait: 610, Receive: 300, Other: 90}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
