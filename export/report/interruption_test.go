package report

import "testing"

// TestInterruption says of a run that somebody ended it, and of no other.
func TestInterruption(t *testing.T) {
	const sigint, none = `"SIGINT"`, "null"
	tests := []struct {
		name, signal string
		attached     bool
		exit         int    // -1: none
		want         string // "" for none
	}{
		{"by the status", none, false, 143, "the command was interrupted (SIGTERM, exit status 143)"},
		{"with a status of its own", sigint, false, 1, "the command was interrupted (SIGINT, exit status 1)"},
		{"that succeeds all the same", sigint, false, 0, ""},
		{"that failed", none, false, 1, ""},
		{"that crashed", none, false, 139, ""},
		{"observed in part", none, false, -1, "the observing ended before the command"},
		{"running before", sigint, true, 0, "the observing was ended by SIGINT"},
		{"running before, to its end", none, true, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			command := "7"
			if tt.attached {
				w.attached(0)
				command = "null"
			} else {
				w.command(0)
			}
			w.exchange(info(exchange{begin: 20, wait: 50}))
			if !tt.attached && tt.exit >= 0 {
				w.line(990, "process", `"pid":7,"comm":"go","action":"exit","ppid":1,"exe":null,"exit_code":%d`, tt.exit)
			}
			w.line(991, "summary", `"duration_ms":991.000,"command":%s,"signal":%s`, command, tt.signal)
			b := read(t, w.String())
			got := ""
			for _, e := range b.sums.ends.interruptions.evidence(b.sums.ends.runs) {
				got += e
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
