package trace

import (
	"bytes"
	"encoding/base64"
	"strings"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// upgrade is the HTTP/2 that follows HTTP/1.1 on a connection. The decoder of HTTP/1.1
// finds it, and is replaced when its call returns.
type upgrade struct {
	role  decoder.Role
	first *http2Settings // of RFC 7540 §3.2, nil where HTTP/2 begins anew
	said  []chunk
}

// http2Settings is what the request of an upgrade settles (RFC 7540 §3.2.1).
type http2Settings struct {
	at      ktime.Time
	payload []byte // of the SETTINGS frame, nil where it makes no sense
}

// chunk is bytes that wait for their decoder, and when they were sent.
type chunk struct {
	at    ktime.Time
	dir   decoder.Direction
	bytes []byte
}

// Upgraded implements exchange.UpgradeSink: HTTP/2 is decoded from here on.
func (s *exchangeSink) Upgraded(at ktime.Time, settings string) {
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(settings, "="))
	if err != nil {
		payload = nil
	}
	s.upgrade = &upgrade{role: s.event.Role, first: &http2Settings{at, payload}}
}

// Turned implements exchange.UpgradeSink: HTTP/2 begins here, with the other side as
// its client.
func (s *exchangeSink) Turned(_ ktime.Time, client decoder.Direction) {
	s.upgrade = &upgrade{role: decoder.Client}
	if client == decoder.Recv {
		s.upgrade.role = decoder.Server
	}
}

// Tunneled implements exchange.UpgradeSink. The tracker calls it after Upgraded or
// Turned, in the same call of the decoder.
func (s *exchangeSink) Tunneled(at ktime.Time, d decoder.Direction, b []byte) {
	s.upgrade.said = append(s.upgrade.said, chunk{at, d, bytes.Clone(b)})
}

// goOn follows each call of the decoder. It passes on the bytes of a connection inside,
// and replaces the decoder if the call found an upgrade. The new decoder gets the bytes
// of HTTP/2 seen so far.
func (c *tracedConn) goOn() {
	c.passOn()
	u := c.exchanges.upgrade
	if u == nil {
		return
	}
	c.exchanges.upgrade = nil
	config := c.table.config
	config.Role, config.FromStart = u.role, true
	c.decoder = decoder.NewConn(config, &c.printer)
	if u.first != nil {
		c.decoder.Upgrade(u.first.at, u.first.payload)
	}
	for _, s := range u.said {
		c.decoder.Data(s.at, s.dir, s.bytes)
	}
}
