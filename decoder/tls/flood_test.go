package tls_test

import (
	"runtime"
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// heap returns how much the live heap grows while something is made.
func heap(make func() any) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	made := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(made)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// bigHello returns the record of a ClientHello that is as long as an Assembler takes it:
// its extensions list n protocols of one byte, and tickets.
func bigHello(list int) (records [][]byte) {
	body := make([]byte, 2+32+1)
	body[0], body[1] = 3, 3
	body = append(body, 0xff, 0xfe)
	body = append(body, make([]byte, 0xfffe)...) // cipher suites
	body = append(body, 1, 0)
	alpn := []byte{byte(list >> 8), byte(list)}
	for i := 0; i < list; i += 2 {
		alpn = append(alpn, 1, 'h')
	}
	extension := func(id int, b []byte) {
		body = append(append(body, byte(id>>8), byte(id), byte(len(b)>>8), byte(len(b))), b...)
	}
	at := len(body)
	body = append(body, 0, 0)
	extension(16, alpn)
	extension(35, make([]byte, 0xfff0-(len(body)-at)-4))
	size := len(body) - at - 2
	body[at], body[at+1] = byte(size>>8), byte(size)
	message := append([]byte{22, 3, 1, 0, 0, 1, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
	return split(message, 1<<14)
}

// TestFlood opens connections that end in or after a ClientHello, and idle ones.
func TestFlood(t *testing.T) {
	conv := tls13.record(t, []int{100, 300_000, 100})
	hello := conv.segments[0].b
	var long []segment
	for _, b := range bigHello(60_000) {
		long = append(long, segment{decoder.Send, b})
	}
	for _, tt := range []struct {
		name     string
		segments []segment
		conns    int
		most     int64 // bytes a connection
	}{
		{"ClientHello", []segment{{decoder.Send, hello}}, 20_000, 2 << 10},
		{"part of a ClientHello", []segment{{decoder.Send, hello[:len(hello)-1]}}, 20_000, 4 << 10},
		{"header", []segment{{decoder.Send, hello[:5]}}, 20_000, 2 << 10},
		{"longest ClientHello", long, 50, 4 << 10},
		{"idle", conv.segments, 200, 16 << 10},
	} {
		budget, sessions := tls.NewBudget(256<<20), tls.NewSessions()
		got := heap(func() any {
			list := make([]*tls.Conn, tt.conns)
			for i := range list {
				c, r := tls.New(budget, sessions), &result{}
				r.tell(c, conv)
				for j, s := range tt.segments {
					c.Data(ktime.Time(j), s.dir, s.b)
					for c.Next() != nil {
					}
				}
				list[i] = c
			}
			return list
		}) / int64(tt.conns)
		t.Logf("%s: %d bytes a connection", tt.name, got)
		if got > tt.most {
			t.Errorf("%s: %d bytes a connection, want at most %d", tt.name, got, tt.most)
		}
	}
}
