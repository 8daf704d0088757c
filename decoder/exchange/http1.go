package exchange

import (
	"strings"

	"h2trace/decoder"
	"h2trace/decoder/http1"
	"h2trace/decoder/ktime"
)

// Data takes the next bytes of a connection that speaks HTTP/1.x. It ignores HTTP/1.x after
// a switch to HTTP/2.
func (t *Tracker) Data(at ktime.Time, d decoder.Direction, b []byte) {
	if t == nil || t.upgraded != nil {
		return
	}
	t.startHTTP1()
	t.http1.Data(at, d == t.client, b)
}

// Gap takes the loss of n bytes of a connection that speaks HTTP/1.x, -1 for an unknown
// number.
func (t *Tracker) Gap(at ktime.Time, d decoder.Direction, n int64) {
	if t == nil || t.upgraded != nil {
		return
	}
	t.settleUpgrade()
	t.startHTTP1()
	t.http1.Gap(at, d == t.client, n)
	if o := t.answering; o != nil && d == t.server() {
		o.unclear = true // the bytes left out came at some earlier time
	}
}

// BodyLeft returns the number of bytes of an HTTP/1.x direction before its next head, 0
// unless it is in a body of known length.
func (t *Tracker) BodyLeft(d decoder.Direction) int64 {
	if t == nil || t.http1 == nil {
		return 0
	}
	return t.http1.BodyLeft(d == t.client)
}

// Tunneled reports whether HTTP/1.x has ended and another protocol follows.
func (t *Tracker) Tunneled() bool { return t != nil && t.http1 != nil && t.http1.Tunneled() }

func (t *Tracker) startHTTP1() {
	if t.http1 == nil {
		t.http1 = http1.NewConn((*http1Sink)(t), t.cfg.Budget)
	}
}

// http1Sink is a Tracker as the sink of an http1.Conn.
type http1Sink Tracker

// Request implements http1.Sink.
func (s *http1Sink) Request(since, at ktime.Time, r *http1.Request) {
	t := (*Tracker)(s)
	o := &open{Exchange: Exchange{Start: since, End: at, Proto: proto(r.Proto)}}
	t.pipelined = t.pipelined || t.answered() != nil
	t.enter(o, since)
	o.Method = r.Method
	o.URL, o.ToProxy = s.target(r)
	o.settings, o.sent = r.Header.Get("HTTP2-Settings"), at
	for name := range r.Header {
		o.Authorized = o.Authorized || isCredential(strings.ToLower(name))
	}
	for _, value := range r.Header["Traceparent"] {
		o.traceParent(value)
	}
	t.last = o
	t.sink.Request(at, &o.Exchange)
	if t.adrift() {
		t.forgetAll()
		return
	}
	t.charge(o)
}

// adrift reports whether responses can no longer be assigned to requests. A client that
// pipelines requests may have sent some that were not seen. A client that waits for each
// response has got them all.
func (t *Tracker) adrift() bool { return t.pipelined && !t.cfg.FromStart }

// target returns the target URI of a request (RFC 9112 §3.3), and whether the request is
// for an HTTP proxy. Without Host it returns the path.
func (s *http1Sink) target(r *http1.Request) (url string, toProxy bool) {
	if r.Method == "CONNECT" {
		return target(r.Method, "", r.Target, "")
	}
	return target(r.Method, s.cfg.Scheme, r.Header.Get("Host"), r.Target)
}

func proto(version string) Proto {
	if version == "HTTP/1.0" {
		return HTTP10
	}
	return HTTP11
}

// RequestBody implements http1.Sink.
func (s *http1Sink) RequestBody(at ktime.Time, n int64) {
	if o := s.last; o != nil {
		o.RequestBytes += n
		o.End, o.sent = at, at
	}
}

// RequestEnd implements http1.Sink.
func (s *http1Sink) RequestEnd(at ktime.Time) {
	t := (*Tracker)(s)
	o := t.last
	if o == nil {
		return
	}
	t.last = nil
	o.RequestEnd, o.End, o.over[t.client] = at, at, true
	if u := t.upgrade; u != nil && u.exchange == o {
		u.goesOn(t)
		return
	}
	t.endHTTP1(o, at)
}

// Response implements http1.Sink.
func (s *http1Sink) Response(since, at ktime.Time, r *http1.Response) {
	t := (*Tracker)(s)
	if r.Status < 200 && r.Status != 101 {
		return
	}
	t.protocol, t.answering = r.Header.Get("Upgrade"), nil
	o := t.answered()
	switch {
	case t.adrift():
		o = nil
	case t.unmet > 0:
		t.unmet--
		return
	}
	if o == nil {
		o = &open{Exchange: Exchange{Proto: proto(r.Proto)}, partial: true}
		o.over[t.client] = true
		o.unsure[t.server()] = true // a response to HEAD ends with its head
		t.enter(o, since)
	}
	t.answering = o
	o.Status, o.Redirect = r.Status, r.Header.Get("Location")
	for _, known := range answerFields {
		for _, v := range r.Header[known.canonical] {
			o.field(known.name, v)
		}
	}
	o.settle()
	o.Response, o.End = since, at
	if o.Method == "CONNECT" && r.Status/100 == 2 {
		t.tunnel, _ = t.sink.(TunnelSink)
	}
	t.charge(o)
}

// answered returns the exchange of the next response: the oldest without one.
func (t *Tracker) answered() *open {
	for o := t.all.oldest; o != nil; o = o.newer {
		if o.Status == 0 {
			return o
		}
	}
	return nil
}

// ResponseBody implements http1.Sink.
func (s *http1Sink) ResponseBody(at ktime.Time, n int64) {
	if o := s.answering; o != nil {
		o.ResponseBytes += n
		o.End, o.came, o.unclear = at, at, false
	}
}

// ResponseEnd implements http1.Sink. Close reports a cut response.
func (s *http1Sink) ResponseEnd(at ktime.Time, cut bool) {
	o := s.answering
	if o == nil || cut {
		return
	}
	s.answering = nil
	o.over[(*Tracker)(s).server()] = true
	o.ResponseEnd = at
	(*Tracker)(s).endHTTP1(o, at)
}

// endHTTP1 reports an exchange whose sides are both complete.
func (t *Tracker) endHTTP1(o *open, at ktime.Time) {
	if o.over[t.client] && o.over[t.server()] {
		t.end(o, at, "")
	}
}

// Tunnel implements http1.Sink. It ends the exchange that led to the tunnel, unless that
// continues on HTTP/2 or its request is incomplete.
func (s *http1Sink) Tunnel(at ktime.Time) {
	t := (*Tracker)(s)
	o := t.answering
	if o == nil {
		return
	}
	t.answering = nil
	if sink, ok := t.sink.(UpgradeSink); ok && strings.EqualFold(t.protocol, "h2c") {
		t.upgrade = &upgrade{exchange: o, sink: sink, at: at}
		return
	}
	t.switched(o, at)
}

// Tunneled implements http1.Sink.
func (s *http1Sink) Tunneled(at ktime.Time, client bool, b []byte) {
	d := s.client
	if !client {
		d = (*Tracker)(s).server()
	}
	switch {
	case s.upgrade != nil:
		s.upgrade.take((*Tracker)(s), at, d, b)
	case s.upgraded != nil:
		s.upgraded.Tunneled(at, d, b)
	case s.tunnel != nil:
		s.tunnel.InTunnel(at, d, b)
	}
}

// Malformed implements http1.Sink. The request has no valid response. On a connection that
// was joined in the middle, or has lost bytes, message boundaries are unknown, and the
// response counts as none.
func (s *http1Sink) Malformed(at ktime.Time, client bool) {
	t := (*Tracker)(s)
	o := s.answering
	if o == nil && t.unmet == 0 {
		o = t.answered()
	}
	if client || o == nil || !t.cfg.FromStart || o.over[t.server()] {
		return
	}
	o.failed(ClassProtocol, "response is malformed (RFC 9112)")
	t.giveUp(o, at, "")
}

// Lost implements http1.Sink. A waiting exchange may have got its response.
func (s *http1Sink) Lost(ktime.Time, bool) {
	t := (*Tracker)(s)
	t.settleUpgrade()
	t.cfg.FromStart = false
	t.forgetAll()
}
