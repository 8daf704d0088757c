package report

import (
	"strings"
	"testing"
)

// TestOwn has a command that computes, waits for locks, and does neither.
func TestOwn(t *testing.T) {
	exit := func(w *writer, cpu string) {
		w.line(1000, "process", `"pid":7,"comm":"go","action":"exit","ppid":1,"exe":null,"exit_code":0,"duration_ms":1000.000,"cpu_ms":%s`, cpu)
		w.line(1001, "summary", `"duration_ms":1001.000,"records":{"seen":1,"delivered":1,"lost":0}`)
	}
	lock := func(w *writer, pid int, begin, end float64, locked bool) {
		w.line(end, "process", `"pid":%d,"comm":"go","action":"lock","ppid":1,"exe":null,"path":"…/mod/cache/lock","wait_ms":%.3f,"locked":%v`, pid, end-begin, locked)
	}
	for _, tt := range []struct {
		name  string
		write func(*writer)
		cause Cause
		own   *Own
		says  []string
	}{
		{"an old recording", func(w *writer) { exit(w, "null") }, Healthy, nil, nil},
		{"CPU", func(w *writer) { exit(w, "250.000") }, Healthy, &Own{0, 250, 750}, []string{
			"of the 1.00 s of the processes themselves, at most 250 ms were CPU (all processes used 250 ms), and at least 750 ms were neither",
		}},
		{"a process that runs on", func(w *writer) {
			w.line(10, "process", `"pid":8,"comm":"compile","action":"exec","ppid":7,"exe":"/usr/bin/compile"`)
			exit(w, "250.000")
		}, Healthy, nil, nil},
		{"a process that was attached to when it had exited", func(w *writer) {
			w.line(10, "process", `"pid":8,"comm":"compile","action":"exec","ppid":7,"exe":"/usr/bin/compile"`)
			w.line(20, "process", `"pid":8,"comm":"compile","action":"exit","ppid":7,"exe":null,"exit_code":0,"duration_ms":10.000,"cpu_ms":5.000`)
			w.line(30, "process", `"pid":8,"comm":"compile","action":"attached","ppid":7,"exe":"/usr/bin/compile"`)
			exit(w, "250.000")
		}, Healthy, &Own{0, 255, 745}, nil},
		{"a process whose CPU time is not known", func(w *writer) {
			w.line(500, "process", `"pid":8,"comm":"compile","action":"exit","ppid":7,"exe":null,"exit_code":0,"duration_ms":300.000,"cpu_ms":null`)
			exit(w, "250.000")
		}, Healthy, nil, nil},
		{"several CPUs", func(w *writer) {
			w.line(500, "process", `"pid":8,"comm":"compile","action":"exit","ppid":7,"exe":null,"exit_code":0,"duration_ms":300.000,"cpu_ms":900.000`)
			exit(w, "250.000")
		}, Healthy, &Own{0, 1000, 0}, []string{"at most 1.00 s were CPU (all processes used 1.15 s)"}},
		{"locks", func(w *writer) {
			lock(w, 7, 100, 600, true)
			lock(w, 8, 200, 650, false)
			exit(w, "250.000")
		}, Client, &Own{550, 250, 200}, []string{
			"at most 550 ms were waiting for locks, and at least 200 ms were neither",
			"2 waits for the lock …/mod/cache/lock took 950 ms, and 1 of them ended without it",
		}},
		{"a lock during a request", func(w *writer) {
			w.exchange(exchange{begin: 100, url: infoURL, wait: 80, receive: 20, bytes: 10})
			lock(w, 8, 100, 220, true)
			exit(w, "10.000")
		}, Healthy, &Own{20, 10, 870}, []string{"at most 20 ms were waiting for locks"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			w.exchange(exchange{begin: 0, url: infoURL, wait: 0})
			tt.write(&w)
			r := read(t, w.String()).Report()
			said := r.Verdict.Text + "\n" + strings.Join(r.Verdict.Evidence, "\n")
			if r.Verdict.Cause != tt.cause || (r.Own == nil) != (tt.own == nil) || r.Own != nil && *r.Own != *tt.own {
				t.Errorf("got %s, %+v, want %s, %+v", r.Verdict.Cause, r.Own, tt.cause, tt.own)
			}
			for _, want := range tt.says {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in\n%s", want, said)
				}
			}
			if tt.own == nil && strings.Contains(said, "CPU") {
				t.Errorf("it says %s", said)
			}
		})
	}
}
