package exchange

import (
	"bytes"
	"encoding/base64"
	"strings"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// Upgrade implements what UpgradeSink adds to Sink: it keeps the HTTP/2 that follows
// HTTP/1.1 on a connection until the call of the decoder.Conn that found it returns. Then
// another decoder.Conn takes over, from Decoder and Feed. Conn does all that itself. The
// zero value is ready to use.
type Upgrade struct {
	pending bool
	turned  bool
	client  decoder.Direction // if turned
	at      ktime.Time
	first   []byte // payload of the SETTINGS frame (RFC 7540 §3.2.1), nil where it makes no sense
	said    []said
}

// said is bytes that wait for their decoder, and when they were sent.
type said struct {
	at    ktime.Time
	dir   decoder.Direction
	bytes []byte
}

// Upgraded implements UpgradeSink: HTTP/2 is decoded from here on.
func (u *Upgrade) Upgraded(at ktime.Time, settings string) {
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(settings, "="))
	if err != nil {
		payload = nil
	}
	*u = Upgrade{pending: true, at: at, first: payload}
}

// Turned implements UpgradeSink: HTTP/2 begins here, with the other side as its client.
func (u *Upgrade) Turned(_ ktime.Time, client decoder.Direction) {
	*u = Upgrade{pending: true, turned: true, client: client}
}

// Tunneled implements UpgradeSink. The Tracker calls it after Upgraded or Turned, in the
// same call of the decoder.
func (u *Upgrade) Tunneled(at ktime.Time, d decoder.Direction, b []byte) {
	u.said = append(u.said, said{at, d, bytes.Clone(b)})
}

// Pending reports whether another decoder.Conn is to take over.
func (u *Upgrade) Pending() bool { return u.pending }

// Decoder returns that decoder.Conn. The Role of the config is that before the upgrade.
func (u *Upgrade) Decoder(cfg decoder.Config, sink decoder.Sink) *decoder.Conn {
	cfg.FromStart = true
	if u.turned {
		cfg.Role = decoder.Client
		if u.client == decoder.Recv {
			cfg.Role = decoder.Server
		}
	}
	return decoder.NewConn(cfg, sink)
}

// Feed gives it what it has missed, and ends the Upgrade.
func (u *Upgrade) Feed(c *decoder.Conn) {
	found := *u
	*u = Upgrade{}
	if !found.turned {
		c.Upgrade(found.at, found.first)
	}
	for _, s := range found.said {
		c.Data(s.at, s.dir, s.bytes)
	}
}
