//go:build linux

package trace

import (
	"io"
	"runtime"
	"testing"
	"weak"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// TestRetained has connections wait for a response, close and finish. Nothing may keep a
// reference to them, whatever is printed. Only buffers may still refer to the last ones.
func TestRetained(t *testing.T) {
	for _, shown := range []string{"process", "exchange"} {
		t.Run(shown, func(t *testing.T) {
			filter, err := export.ParseEvents(shown)
			do(t, err)
			table := newTestTable(t, io.Discard)
			table.events = export.NewJSONL(io.Discard, export.Options{Events: filter})
			table.exchanges.events = table.events
			var list []weak.Pointer[tracedConn]
			const conns, lasting = 100, 101
			for id := uint64(1); id <= lasting; id++ {
				at := ktime.Time(id) * ktime.Time(closeLinger)
				table.open(&bpf.Open{Head: bpf.Head{Conn: id, PID: 9, Time: at}, Role: bpf.RoleClient, Wire: bpf.WireHTTP, Handshake: true})
				table.segment(&bpf.Segment{Head: bpf.Head{Conn: id, PID: 9, Time: at}, Dir: bpf.Send, Payload: []byte("GET / HTTP/1.1\r\nHost: goproxy.example\r\n\r\n")})
				if id == lasting {
					break
				}
				list = append(list, weak.Make(table.byID[id]))
				do(t, table.close(&bpf.Close{Head: bpf.Head{Conn: id, PID: 9, Time: at + 1}}))
				do(t, table.expire(at+2, true))
			}
			do(t, table.expire(2*lasting*ktime.Time(closeLinger), true))
			runtime.GC()
			held := 0
			for _, c := range list {
				if c.Value() != nil {
					held++
				}
			}
			if held > 2 || len(list) != conns || len(table.byID) != 1 {
				t.Errorf("%d of %d connections are held after their end, %d are open", held, len(list), len(table.byID))
			}
			runtime.KeepAlive(table)
		})
	}
}
