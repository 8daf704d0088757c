package trace

import (
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// chunk is bytes that wait for their decoder, and when they were sent.
type chunk struct {
	at    ktime.Time
	dir   decoder.Direction
	bytes []byte
}

// goOn follows each call of the decoder. It passes on the bytes of a connection inside,
// and replaces the decoder if the call found an upgrade. The new decoder gets the bytes
// of HTTP/2 seen so far.
func (c *tracedConn) goOn() {
	c.passOn()
	u := &c.exchanges.Upgrade
	if !u.Pending() {
		return
	}
	config := c.table.config
	config.Role = c.event.Role
	c.decoder = u.Decoder(config, &c.printer)
	u.Feed(c.decoder)
}
