package exchange

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// lines records what a Tracker reports.
type lines struct {
	tracker *Tracker
	got     []string
}

func (l *lines) Request(ktime.Time, *Exchange) {}

func (l *lines) Exchange(e *Exchange) {
	s := fmt.Sprintf("%d %s %s %d %v start=%d sent=%d first=%d last=%d end=%d bytes=%d,%d",
		e.Stream, e.Method, e.URL, e.Status, e.Proto, e.Start, e.RequestEnd, e.Response, e.ResponseEnd, e.End, e.RequestBytes, e.ResponseBytes)
	if e.Reused != ReusedYes {
		s += [...]string{" reused=?", " new"}[e.Reused]
	}
	if e.RecvStall+e.SendStall > 0 {
		s += fmt.Sprintf(" stalled=%d,%d", e.RecvStall, e.SendStall)
	}
	if e.Redirect != "" {
		s += " to=" + e.Redirect
	}
	if e.Authorized {
		s += " authorized"
	}
	if e.RetryAfter != "" {
		s += " after=" + e.RetryAfter
	}
	if e.Cache != CacheUnknown {
		s += " cache=" + e.Cache.String()
	}
	if e.Unanswered {
		s += " unanswered"
	}
	if e.Open {
		s += " open"
	}
	if e.Error != nil {
		s += fmt.Sprintf(" %s: %s", e.Error.Class, e.Error.Detail)
	}
	l.got = append(l.got, s)
}

func (l *lines) Stall(s *Stall) {
	l.got = append(l.got, fmt.Sprintf("stall %d %v window=%d %d-%d by %s", s.Stream, s.Side, s.Window, s.Start, s.End, s.By))
}

func (l *lines) InTunnel(at ktime.Time, d decoder.Direction, b []byte) {
	l.got = append(l.got, fmt.Sprintf("in tunnel %s %d: %x", [...]string{"send", "recv"}[d], at, b))
}

func (l *lines) Protocol(ktime.Time, decoder.Protocol, bool)        {}
func (l *lines) Resync(_ ktime.Time, d decoder.Direction, _ int64)  { l.tracker.Lost(d) }
func (l *lines) Lost(d decoder.Direction)                           { l.tracker.Lost(d) }
func (l *lines) Frame(f *decoder.Frame)                             { l.tracker.Frame(f) }
func (l *lines) Bytes(at ktime.Time, d decoder.Direction, b []byte) { l.tracker.Data(at, d, b) }

func (l *lines) Gap(at ktime.Time, d decoder.Direction, n int64) { l.tracker.Gap(at, d, n) }

// peers writes the frames of both sides of an HTTP/2 connection with x/net's framer, and has
// them decoded.
type peers struct {
	t      *testing.T
	conn   *decoder.Conn
	hear   func(at ktime.Time, d decoder.Direction, b []byte)
	buf    bytes.Buffer
	framer *http2.Framer
	hpack  [2]*hpack.Encoder
	block  bytes.Buffer
}

const send, recv = decoder.Send, decoder.Recv

func newPeers(t *testing.T, conn *decoder.Conn) *peers {
	p := &peers{t: t, conn: conn}
	p.hear = func(at ktime.Time, d decoder.Direction, b []byte) { conn.Data(at, d, b) }
	p.framer = http2.NewFramer(&p.buf, nil)
	p.framer.AllowIllegalWrites = true
	for d := range p.hpack {
		p.hpack[d] = hpack.NewEncoder(&p.block)
	}
	return p
}

// say writes frames of one side, at a time.
func (p *peers) say(at ktime.Time, d decoder.Direction, write func(*http2.Framer) error) {
	p.buf.Reset()
	if err := write(p.framer); err != nil {
		p.t.Fatal(err)
	}
	p.hear(at, d, p.buf.Bytes())
}

func (p *peers) start(initialWindow uint32) {
	p.hear(1, send, []byte(http2.ClientPreface))
	p.say(1, send, func(f *http2.Framer) error {
		return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: initialWindow})
	})
	p.say(3, recv, func(f *http2.Framer) error { return f.WriteSettings() })
	p.say(3, recv, func(f *http2.Framer) error { return f.WriteSettingsAck() })
	p.say(3, send, func(f *http2.Framer) error { return f.WriteSettingsAck() })
}

// encode encodes a field block from "name=value".
func (p *peers) encode(d decoder.Direction, fields []string) {
	p.block.Reset()
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		if err := p.hpack[d].WriteField(hpack.HeaderField{Name: name, Value: value}); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *peers) headers(at ktime.Time, d decoder.Direction, id uint32, end bool, fields ...string) {
	p.encode(d, fields)
	p.say(at, d, func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block.Bytes(), EndHeaders: true, EndStream: end})
	})
}

func (p *peers) get(at ktime.Time, id uint32, path string) {
	p.headers(at, send, id, true, ":method=GET", ":scheme=https", ":authority=goproxy.example", ":path="+path)
}

func (p *peers) post(at ktime.Time, id uint32, path string) {
	p.headers(at, send, id, false, ":method=POST", ":scheme=https", ":authority=goproxy.example", ":path="+path)
}

func (p *peers) ok(at ktime.Time, id uint32, end bool) { p.headers(at, recv, id, end, ":status=200") }

func (p *peers) data(at ktime.Time, d decoder.Direction, id uint32, n int, end bool) {
	p.say(at, d, func(f *http2.Framer) error { return f.WriteData(id, end, make([]byte, n)) })
}

func (p *peers) grant(at ktime.Time, d decoder.Direction, id, n uint32) {
	p.say(at, d, func(f *http2.Framer) error { return f.WriteWindowUpdate(id, n) })
}

func (p *peers) reset(at ktime.Time, d decoder.Direction, id uint32, code http2.ErrCode) {
	p.say(at, d, func(f *http2.Framer) error { return f.WriteRSTStream(id, code) })
}
