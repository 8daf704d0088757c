package report

import (
	"strings"
	"testing"
)

// TestReader has a window that is used up, because it is small, or because the process reads
// slowly: what went through stands beside what the window allows.
func TestReader(t *testing.T) {
	for _, tt := range []struct {
		name   string
		bytes  int64
		cause  Cause
		rate   string
		unread int64
	}{
		{"a small window", 2_700_000, RecvWindow, "3.00 MB/s went through, where the window allows 3.25", 0},
		{"a slow reader", 90_000, Client, "0.10 MB/s went through, where the window allows 3.25", 5000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			w.line(910, "stall", `"pid":7,"comm":"go","conn":"c1","stream":1,"side":"recv_window","window":65535,"start":%q,"stall_ms":800.000`, at(110))
			w.exchange(info(exchange{begin: 10, receive: 900, recvStall: 800, bytes: tt.bytes}))
			w.line(990, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","rtt_ms":20.000,"min_rtt_ms":20.000,"unread_bytes":%d`, tt.unread)
			w.exit(1000, 0)
			v := read(t, w.String()).Report().Verdict
			said := strings.Join(v.Evidence, "\n")
			if v.Cause != tt.cause || !strings.Contains(said, tt.rate) || strings.Contains(said, "5000 bytes lay unread") != (tt.unread > 0) {
				t.Errorf("%s: %s\n%s", v.Cause, v.Text, said)
			}
		})
	}
}
