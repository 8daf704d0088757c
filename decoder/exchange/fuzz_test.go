package exchange

import (
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/http1"
	"h2trace/decoder/ktime"
)

// connection is a Tracker with its decoder, as in h2trace. It counts the reports.
type connection struct {
	tracker *Tracker
	conn    *decoder.Conn
	ended   map[*Exchange]bool
	begun   int
	twice   bool
}

func (c *connection) Protocol(ktime.Time, decoder.Protocol, bool) {}
func (c *connection) Frame(f *decoder.Frame)                      { c.tracker.Frame(f) }
func (c *connection) Resync(ktime.Time, decoder.Direction, int64) {}
func (c *connection) Lost(d decoder.Direction)                    { c.tracker.Lost(d) }
func (c *connection) Mixed(at ktime.Time, line string)            { c.tracker.Mixed(at, line) }

func (c *connection) Bytes(at ktime.Time, d decoder.Direction, b []byte) {
	c.tracker.Data(at, d, b)
}

func (c *connection) Gap(at ktime.Time, d decoder.Direction, n int64) { c.tracker.Gap(at, d, n) }
func (c *connection) Request(ktime.Time, *Exchange)                   { c.begun++ }
func (c *connection) Stall(*Stall)                                    {}
func (c *connection) Exchange(e *Exchange) {
	c.twice = c.twice || c.ended[e]
	c.ended[e] = true
}

func (c *connection) Upgraded(at ktime.Time, settings string) {
	c.conn = decoder.NewConn(decoder.Config{Role: c.conn.Role(), FromStart: true}, c)
	c.conn.Upgrade(at, []byte(settings))
}

func (c *connection) Turned(_ ktime.Time, client decoder.Direction) {
	role := decoder.Client
	if client == recv {
		role = decoder.Server
	}
	c.conn = decoder.NewConn(decoder.Config{Role: role, FromStart: true}, c)
}

func (c *connection) Tunneled(at ktime.Time, d decoder.Direction, b []byte) {
	c.conn.Data(at, d, b)
}

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
		budget := http1.NewBudget(40 << 10)
		c := &connection{ended: make(map[*Exchange]bool)}
		c.tracker = New(Config{Scheme: "http", FromStart: true, Budget: budget}, c)
		c.tracker.SetClient(send)
		c.conn = decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, c)
		said := [2]string{client, server}
		for i, n := range cuts {
			d := decoder.Direction(i % 2)
			if pipelined {
				d = decoder.Direction(i / 2 % 2)
			}
			k := min(int(n), len(said[d]))
			if b := said[d][:k]; n%16 == 15 && k > 0 {
				c.conn.Gap(ktime.Time(i+1), d, int64(k))
			} else {
				c.conn.Data(ktime.Time(i+1), d, []byte(b))
			}
			said[d] = said[d][k:]
		}
		c.conn.Close(1000)
		c.tracker.Close(1000, EndedByPeer)
		if c.twice {
			t.Error("an exchange was reported twice")
		}
		if c.begun > len(c.ended) {
			t.Errorf("%d requests, %d exchanges", c.begun, len(c.ended))
		}
		if c.tracker.all.len != 0 || c.tracker.cost != 0 || budget.Used() != 0 {
			t.Errorf("%d exchanges are left, %d bytes, %d of the budget", c.tracker.all.len, c.tracker.cost, budget.Used())
		}
	})
}
