package exchange

import (
	"bytes"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// UpgradeSink is a Sink that also takes HTTP/2 on a connection that began with HTTP/1.1.
type UpgradeSink interface {
	Sink
	// Upgraded says that the connection continues in HTTP/2 by RFC 7540 §3.2. Tunneled
	// follows. settings is the value of the request's HTTP2-Settings field. The exchange
	// is that of stream 1 from now on.
	Upgraded(at ktime.Time, settings string)
	// Turned says that a new HTTP/2 connection follows, whose client is the given side.
	// The exchange has ended.
	Turned(at ktime.Time, client decoder.Direction)
	// Tunneled takes the following bytes. It must not keep b.
	Tunneled(at ktime.Time, d decoder.Direction, b []byte)
}

// upgrade is the state of a connection between the 101 response and the first bytes in
// another protocol.
type upgrade struct {
	exchange *open
	sink     UpgradeSink
	at       ktime.Time
	first    [2][]byte // bytes of each side since
	times    [2][]moment
}

// moment gives the time of the bytes from off on.
type moment struct {
	off int
	at  ktime.Time
}

// maxEarly bounds the bytes of a server before the request is complete: the initial windows
// (RFC 9113 §6.9.2).
const maxEarly = 64 << 10

// maxMoments bounds the remembered times of these bytes.
const maxMoments = 256

// enough is the number of bytes that show the protocol of a side. An HTTP/2 client begins
// with "PRI * ", a server with SETTINGS, whose type is the fourth byte.
const enough = 4

// begins returns the protocol of the first bytes of a side.
func begins(b []byte) (client, server bool) {
	if len(b) < enough {
		return false, false
	}
	return bytes.HasPrefix(b, []byte("PRI ")), b[0] == 0 && decoder.Type(b[3]) == decoder.TypeSettings
}

// take takes the first bytes after the switch.
func (u *upgrade) take(t *Tracker, at ktime.Time, d decoder.Direction, b []byte) {
	if times := u.times[d]; len(times) == 0 || times[len(times)-1].at != at && len(times) < maxMoments {
		u.times[d] = append(times, moment{len(u.first[d]), at})
	}
	u.first[d] = append(u.first[d], b...)
	u.exchange.early = int32(len(u.first[0]) + len(u.first[1]))
	t.charge(u.exchange)
	u.goesOn(t)
}

// goesOn examines the bytes after the switch. The server of the request may be the client
// of what follows, as when a daemon calls back who started a build. A server need not wait
// for the request body, which its client sends before all else (RFC 7540 §3.2).
func (u *upgrade) goesOn(t *Tracker) {
	asker := t.client
	incomplete := !u.exchange.over[asker]
	for _, d := range [...]decoder.Direction{asker, asker ^ 1} {
		client, server := begins(u.first[d])
		switch {
		case !client && !server && len(u.first[d]) >= enough, incomplete && len(u.first[d]) > maxEarly:
			t.settleUpgrade() // another protocol, which nobody takes
			return
		case !client && !server, incomplete:
			continue
		case d == asker && server && !t.cfg.FromStart: // or its preface is missing
			t.settleUpgrade()
			return
		case client == (d == asker):
			t.upgrade = nil
			t.resume(u)
		default:
			t.settleUpgrade()
			t.client = t.server()
			u.sink.Turned(u.at, t.client)
		}
		u.exchange.early, t.upgraded = 0, u.sink
		u.handOn(asker)
		return
	}
}

// handOn reports the held bytes, those of the requesting side first.
func (u *upgrade) handOn(asker decoder.Direction) {
	for _, d := range [...]decoder.Direction{asker, asker ^ 1} {
		for i, m := range u.times[d] {
			end := len(u.first[d])
			if i+1 < len(u.times[d]) {
				end = u.times[d][i+1].off
			}
			u.sink.Tunneled(m.at, d, u.first[d][m.off:end])
		}
	}
}

// resume turns the exchange into that of stream 1 (RFC 7540 §3.2).
func (t *Tracker) resume(u *upgrade) {
	o := u.exchange
	t.last = nil
	o.Stream, o.Proto, o.Status, o.Response = 1, t.http2(), 0, 0
	o.RequestEnd, o.over[t.client] = max(o.RequestEnd, o.Start), true
	t.enterStream(o)
	t.lastID[1], t.firstID[1], t.highest[1] = 1, 1, 1
	u.sink.Upgraded(u.at, o.settings)
}

// settleUpgrade ends the exchange of an upgrade, whose response is the 101.
func (t *Tracker) settleUpgrade() {
	if u := t.upgrade; u != nil {
		t.upgrade = nil
		t.switched(u.exchange, u.at)
	}
}

// switched ends an exchange after which the connection carries another protocol. Its
// request may be incomplete.
func (t *Tracker) switched(o *open, at ktime.Time) {
	o.ResponseEnd, o.over[t.server()] = at, true
	if t.last != o {
		o.RequestEnd, o.over[t.client] = max(o.RequestEnd, o.Start), true
	}
	t.endHTTP1(o, at)
}
