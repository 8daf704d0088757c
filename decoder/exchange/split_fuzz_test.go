package exchange

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

const (
	fuzzUpgrade = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAQAACcQ\r\n\r\n"
	fuzzSwitch  = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
	fuzzPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	fuzzAnswer  = "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x03\x00\x01\x00\x00\x00\x01abc"
)

// turn is what one side says before the other one does.
type turn struct {
	dir decoder.Direction
	b   string
}

// report is all that a Conn reports of a conversation, of which each turn comes in pieces. Bytes
// of a tunnel are joined. intact is false if a side of HTTP/1.x made no sense: it resumes where a
// piece begins with a start line.
func report(turns []turn, size int) (said string, intact bool) {
	var b strings.Builder
	tunnel := [2]string{}
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	c := NewConn(ConnConfig{Scheme: "http", Decoder: decoder.Config{Role: decoder.Client, FromStart: true}}, Hooks{
		Protocol: func(at ktime.Time, p decoder.Protocol) { line("%d %v", at, p) },
		Frame: func(f *decoder.Frame) {
			line("%d frame %v %v %d stream %d flags %x %v", f.Time, f.Dir, f.Type, f.Length, f.StreamID, f.Flags, f.Violation)
		},
		Request: func(at ktime.Time, e *Exchange) { line("%d request %s %s", at, e.Method, e.URL) },
		Exchange: func(e *Exchange) {
			line("exchange %d %s %s %d %+v, %d and %d bytes, %d %d %d %d %d", e.Stream, e.Method, e.URL, e.Status, e.Error,
				e.RequestBytes, e.ResponseBytes, e.Start, e.RequestEnd, e.Response, e.ResponseEnd, e.End)
		},
		Lost:   func(dir decoder.Direction) { line("lost %v", dir) },
		Tunnel: func(_ ktime.Time, dir decoder.Direction, b []byte) { tunnel[dir] += string(b) },
	})
	for i, t := range turns {
		for at := 0; at < len(t.b); at += size {
			c.Data(ktime.Time(i+1), t.dir, []byte(t.b[at:min(at+size, len(t.b))]))
		}
	}
	c.Close(ktime.Time(len(turns)+1), EndedByPeer)
	return b.String() + fmt.Sprintf("tunnel %q %q", tunnel[0], tunnel[1]), c.tracker.cfg.FromStart
}

// FuzzPieces has both sides speak in turns, over HTTP/1.1, HTTP/2, a change from one to the other
// or a tunnel. How the bytes of a turn are cut changes nothing.
func FuzzPieces(f *testing.F) {
	f.Add(fuzzUpgrade, fuzzSwitch, fuzzPreface, fuzzAnswer, 3)
	f.Add(fuzzUpgrade+fuzzPreface, fuzzSwitch+fuzzAnswer, "", "", 1)
	f.Add(fuzzUpgrade, fuzzSwitch, fuzzAnswer, fuzzPreface, 5) // the server turns into a client
	f.Add("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "to the server", "and back", 2)
	f.Add("CONNECT a:1 HTTP/1.1\r\n\r\nearly", "HTTP/1.1 200 OK\r\n\r\nat once", fuzzPreface, fuzzAnswer, 4)
	f.Add("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", "\x81\x01a", "\x81\x01b", 1)
	f.Add(fuzzPreface, fuzzAnswer, "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x82", fuzzAnswer, 6)
	f.Add("GET / HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "", "HTTP/1.1 204 X\r\n\r\n", 1)
	f.Fuzz(func(t *testing.T, one, two, three, four string, size int) {
		turns := []turn{{decoder.Send, one}, {decoder.Recv, two}, {decoder.Send, three}, {decoder.Recv, four}}
		whole, intact := report(turns, 1<<20)
		cut, stillIntact := report(turns, max(1, size%64))
		if intact != stillIntact {
			t.Errorf("intact %v, in pieces of %d %v", intact, max(1, size%64), stillIntact)
		}
		if intact && cut != whole {
			t.Errorf("-whole +in pieces of %d:\n%s", max(1, size%64), cmp.Diff(strings.Split(whole, "\n"), strings.Split(cut, "\n")))
		}
	})
}
