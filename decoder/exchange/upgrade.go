package exchange

import (
	"bytes"

	"h2trace/decoder"
)

// UpgradeSink is a Sink that takes HTTP/2 on a connection that began with
// HTTP/1.1.
type UpgradeSink interface {
	Sink
	// Upgraded is called when the connection goes on with HTTP/2 as RFC 7540 §3.2
	// says, before Tunneled. settings is the value of the request's HTTP2-Settings
	// field, and the exchange is that of stream 1 now.
	Upgraded(at int64, settings string)
	// Turned is called when it goes on with HTTP/2 from the start, in which client
	// is the side that was asked. The exchange is over.
	Turned(at int64, client decoder.Direction)
	// Tunneled is called for the bytes that follow. b is not to be kept.
	Tunneled(at int64, d decoder.Direction, b []byte)
}

// upgrade is a connection whose server agreed to go on with HTTP/2, until it is
// known how.
type upgrade struct {
	exchange *open
	sink     UpgradeSink
	at       int64
	first    [2][]byte // what each side said since
}

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

// goesOn takes the first bytes behind the switch. Who was asked may be the client
// of what follows, as where a daemon calls back who started a build.
func (u *upgrade) goesOn(t *Tracker, at int64, d decoder.Direction, b []byte) {
	u.first[d] = append(u.first[d], b...)
	client, server := begins(u.first[d])
	asker := t.client
	switch {
	case client && d == asker, server && d != asker:
		t.upgrade = nil
		t.resume(u)
	case client, server:
		t.settleUpgrade()
		t.client = t.server()
		u.sink.Turned(u.at, t.client)
	case len(u.first[d]) >= enough: // something else, which is nobody's
		t.settleUpgrade()
		return
	default:
		return
	}
	for _, d := range [...]decoder.Direction{asker, asker ^ 1} {
		if len(u.first[d]) > 0 {
			u.sink.Tunneled(at, d, u.first[d])
		}
	}
	t.upgraded = u.sink
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

// switched ends an exchange behind which the connection carries something else.
func (t *Tracker) switched(o *open, at int64) {
	o.RequestEnd, o.ResponseEnd = max(o.RequestEnd, o.Start), at
	o.over = [2]bool{true, true}
	t.endHTTP1(o, at)
}
