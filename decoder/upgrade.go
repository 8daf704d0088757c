package decoder

import "h2trace/decoder/ktime"

// Upgrade begins with HTTP/2 on a connection that has spoken HTTP/1.1 until the
// server agreed to switch (RFC 7540 §3.2, which RFC 9113 has no more). settings
// is the payload of the SETTINGS frame in the HTTP2-Settings field of the request;
// the response acknowledges it. The request is stream 1, and over. Role and
// FromStart must be known, and nothing must have been said before.
func (c *Conn) Upgrade(at ktime.Time, settings []byte) {
	c.credits.fromStart()
	for d := range c.sides {
		c.announced[d].fromStart()
		c.sides[d].table.reset("")
		c.sides[d].table.allow(defaultTable, true)
		c.sides[d].first, c.sides[d].found = true, true
	}
	c.decide(at, HTTP2)
	c.sides[c.clientDir].mode, c.sides[c.clientDir.other()].mode = prefacing, framing
	f := Frame{Dir: c.clientDir, Type: TypeSettings, Length: uint32(len(settings))}
	if parsers[TypeSettings](&f, settings) == nil {
		_ = c.settings(c.clientDir, &f) // what breaks a rule is for the server to find
		_ = c.settingsAck(c.clientDir.other())
	}
	if s := c.open(1); s != nil {
		s.ended[c.clientDir] = true
		s.exempt = exemptAll
		_ = c.activate(c.clientDir)
	}
}
