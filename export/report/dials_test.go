package report

import "testing"

// TestReachedLater has a process that fails to reach a server, which is reached later: by
// itself at another address, or by another process. Only the first failure is none.
func TestReachedLater(t *testing.T) {
	for name, pid := range map[string]int{"by itself": 7, "by another process": 8} {
		t.Run(name, func(t *testing.T) {
			var w writer
			w.command(0)
			w.failed(10, "goproxy.example", "192.0.2.9:443", "connect", "ECONNREFUSED")
			w.line(40, "conn", `"pid":%d,"comm":"go","conn":"c1","action":"open","remote":"192.0.2.1:443","name":"goproxy.example","role":"client","connect_ms":20.000`, pid)
			w.exit(100, 1)
			r := read(t, w.String()).Report()
			if failed := r.Verdict.Cause == Connect; failed != (pid != 7) {
				t.Errorf("%s: %s %q", r.Verdict.Cause, r.Verdict.Text, r.Verdict.Evidence)
			}
		})
	}
}
