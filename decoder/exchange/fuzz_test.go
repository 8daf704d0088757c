package exchange

import (
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// FuzzConversation has arbitrary bytes of two sides, some of them lost. They begin as
// HTTP/1.x and may be upgraded. Each exchange is reported once, and nothing is kept.
func FuzzConversation(f *testing.F) {
	const (
		ask    = "POST /a HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\nContent-Length: 3\r\n\r\n"
		agree  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"
		frames = "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"
	)
	begin := "abcPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frames[:9]
	f.Add(ask+begin, agree+frames, []byte{86, 50, 3, 9, 200, 200}, false)
	f.Add(ask+"abcGET /b HTTP/1.1\r\n\r\nHEAD /c HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"+agree+begin, []byte{0, 7, 60, 250, 20}, true)
	f.Add("CONNECT a:1 HTTP/1.1\r\n\r\nx", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", []byte{9, 9, 255, 1}, false)
	f.Fuzz(func(t *testing.T, client, server string, cuts []byte, pipelined bool) {
		budget := NewBudget(40 << 10)
		var begun int
		var twice bool
		ended := make(map[*Exchange]bool)
		c := NewConn(ConnConfig{
			Scheme: "http", Budget: budget, Decoder: decoder.Config{Role: decoder.Client, FromStart: true},
		}, Hooks{
			Request:  func(ktime.Time, *Exchange) { begun++ },
			Exchange: func(e *Exchange) { twice, ended[e] = twice || ended[e], true },
		})
		said := [2]string{client, server}
		for i, n := range cuts {
			d := decoder.Direction(i % 2)
			if pipelined {
				d = decoder.Direction(i / 2 % 2)
			}
			k := min(int(n), len(said[d]))
			if b := said[d][:k]; n%16 == 15 && k > 0 {
				c.Gap(ktime.Time(i+1), d, int64(k))
			} else {
				c.Data(ktime.Time(i+1), d, []byte(b))
			}
			said[d] = said[d][k:]
		}
		c.Close(1000, EndedByPeer)
		if twice {
			t.Error("an exchange was reported twice")
		}
		if begun > len(ended) {
			t.Errorf("%d requests, %d exchanges", begun, len(ended))
		}
		if c.tracker.all.len != 0 || c.tracker.cost != 0 || budget.Used() != 0 {
			t.Errorf("%d exchanges are left, %d bytes, %d of the budget", c.tracker.all.len, c.tracker.cost, budget.Used())
		}
	})
}
