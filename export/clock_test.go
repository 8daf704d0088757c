package export

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
)

// TestClock prints events with kernel times. They become wall times; durations do not
// change.
func TestClock(t *testing.T) {
	const now ktime.Time = 7_000_000_000
	o := Options{Clock: ktime.NewClock(now, time.Unix(0, at))}
	m := Meta{Time: now, PID: 7, Comm: "go", Conn: "c1"}
	begin := now.Add(-10 * time.Millisecond)
	const beginTime = "2026-09-21T14:13:20.113456789Z"
	head := `{"v":1,"ts":"` + atTime + `","event":`
	ofConn := `"pid":7,"comm":"go","conn":"c1",`
	x := exchange.Exchange{
		Stream: 1, Method: "GET", Status: 200, Reused: exchange.ReusedNo,
		Start: begin, RequestEnd: begin.Add(time.Millisecond), Response: now, Latest: now, End: now,
	}
	before := x
	for _, tt := range []struct {
		name  string
		print func(*JSONL)
		want  string
	}{
		{
			"stall", func(j *JSONL) { j.Stall(m, &exchange.Stall{Stream: 1, Window: 9, Start: begin, End: now, By: "DATA"}) },
			head + `"stall",` + ofConn + `"stream":1,"side":"send_window","window":9,"start":"` + beginTime + `","stall_ms":10.000,"ended_by":"DATA"}`,
		},
		{
			"exchange", func(j *JSONL) { j.Exchange(m, &Exchange{Exchange: &x, DNS: new(time.Millisecond)}) },
			head + `"exchange",` + ofConn + `"stream":1,"method":"GET","url":null,"status":200,"protocol":"h2","reused":false,` +
				`"request_bytes":0,"response_bytes":0,"dns_ms":1.000,"connect_ms":null,"tls_ms":null,"send_ms":1.000,"wait_ms":9.000,` +
				`"receive_ms":null,"total_ms":11.000,"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":null,` +
				`"error":null,"start":"` + beginTime + `","retry":null,"via":null,"silent_ms":0.000}`,
		},
		{
			"loss", func(j *JSONL) { j.Loss(&Loss{Time: now, Reason: LossGap, Records: 2}) },
			head + `"loss","reason":"gap","records":2,"bytes":null}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := line(t, o, tt.print); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if diff := cmp.Diff(before, x, cmpopts.IgnoreUnexported(exchange.Exchange{})); diff != "" {
		t.Errorf("the exchange has changed, -before +after:\n%s", diff)
	}
}
