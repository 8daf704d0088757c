package exchange

import (
	"bytes"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// UpgradeSink is a Sink that takes HTTP/2 on a connection that began with
// HTTP/1.1.
type UpgradeSink interface {
	Sink
	// Upgraded is called when the connection goes on with HTTP/2 as RFC 7540 §3.2
	// says, before Tunneled. settings is the value of the request's HTTP2-Settings
	// field, and the exchange is that of stream 1 now.
	Upgraded(at ktime.Time, settings string)
	// Turned is called when it goes on with HTTP/2 from the start, in which client
	// is the side that was asked. The exchange is over.
	Turned(at ktime.Time, client decoder.Direction)
	// Tunneled is called for the bytes that follow. b is not to be kept.
	Tunneled(at ktime.Time, d decoder.Direction, b []byte)
}

// upgrade is a connection whose server agreed to go on with HTTP/2, until it is
// known how.
type upgrade struct {
	exchange *open
	sink     UpgradeSink
	at       ktime.Time
	first    [2][]byte // what each side said since
	times    [2][]moment
}

// moment is when the bytes from off on were said.
type moment struct {
	off int
	at  ktime.Time
}

// maxEarly bounds what a server may say before the request is complete: the windows
// that it begins with (RFC 9113 §6.9.2).
const maxEarly = 64 << 10

// maxMoments bounds the times remembered of it.
const maxMoments = 256

// enough is how many bytes tell what a side speaks: an HTTP/2 client begins with
// "PRI * ", a server with SETTINGS, in whose header the type is the fourth byte.
const enough = 4

// begins reports what the first bytes of a side are.
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

// goesOn looks at what was said. Who was asked may be the client of what follows,
// as where a daemon calls back who started a build. A server need not wait for the
// body of the request, which comes before all else that its client says (RFC 7540
// §3.2).
func (u *upgrade) goesOn(t *Tracker) {
	asker := t.client
	incomplete := !u.exchange.over[asker]
	for _, d := range [...]decoder.Direction{asker, asker ^ 1} {
		client, server := begins(u.first[d])
		switch {
		case !client && !server && len(u.first[d]) >= enough, incomplete && len(u.first[d]) > maxEarly:
			t.settleUpgrade() // something else, which is nobody's
			return
		case !client && !server, incomplete:
			continue
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

// handOn hands on what was said, first that of the side that asked.
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

// resume makes the exchange that of stream 1 of HTTP/2 (RFC 7540 §3.2).
func (t *Tracker) resume(u *upgrade) {
	o := u.exchange
	t.last = nil
	o.Stream, o.Proto, o.Status, o.Response = 1, t.http2(), 0, 0
	o.RequestEnd, o.over[t.client] = max(o.RequestEnd, o.Start), true
	t.enterStream(o)
	t.lastID[1], t.firstID[1], t.highest[1] = 1, 1, 1
	u.sink.Upgraded(u.at, o.settings)
}

// settleUpgrade ends the exchange of an upgrade: its response was the 101.
func (t *Tracker) settleUpgrade() {
	if u := t.upgrade; u != nil {
		t.upgrade = nil
		t.switched(u.exchange, u.at)
	}
}

// switched ends an exchange after which the connection carries something else. Its
// request may have more to say.
func (t *Tracker) switched(o *open, at ktime.Time) {
	o.ResponseEnd, o.over[t.server()] = at, true
	if t.last != o {
		o.RequestEnd, o.over[t.client] = max(o.RequestEnd, o.Start), true
	}
	t.endHTTP1(o, at)
}
