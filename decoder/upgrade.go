package decoder

import "h2trace/decoder/ktime"

// Upgrade begins HTTP/2 after a switch from HTTP/1.1 (RFC 7540 §3.2; RFC 9113 has removed
// it). settings is the SETTINGS payload in the HTTP2-Settings field of the request; the
// response acknowledges it. The request is stream 1 and complete. The Conn must know its
// Role and FromStart, and must have taken no bytes.
func (c *Conn) Upgrade(at ktime.Time, settings []byte) {
	c.settings.fromStart()
	c.windows.fromStart()
	for d := range c.sides {
		c.sides[d].blocks.table.reset("")
		c.sides[d].blocks.table.allow(defaultTable, true)
		c.sides[d].first, c.sides[d].found = true, true
	}
	c.decide(at, HTTP2)
	c.sides[c.streams.clientDir].mode, c.sides[c.streams.clientDir.other()].mode = prefacing, framing
	f := Frame{Dir: c.streams.clientDir, Type: TypeSettings, Length: uint32(len(settings))}
	if parsers[TypeSettings](&f, settings) == nil {
		_ = c.applySettings(c.streams.clientDir, &f) // the server checks the rules
		_ = c.applySettings(c.streams.clientDir.other(), &Frame{Flags: FlagAck})
	}
	if s := c.streams.open(1); s != nil {
		s.ended[c.streams.clientDir] = true
		s.exempt = exemptAll
		_ = c.streams.activate(c.streams.clientDir)
	}
}
