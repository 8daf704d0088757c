package trace

import (
	"encoding/base64"
	"fmt"
	"strings"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
)

// Upgraded implements exchange.UpgradeSink: HTTP/2 is decoded from here on.
func (c *tracedConn) Upgraded(at ktime.Time, settings string) {
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(settings, "="))
	if err != nil {
		payload = nil
	}
	config := c.table.config
	config.Role, config.FromStart = c.decoder.Role(), true
	c.decoder = decoder.NewConn(config, c)
	c.decoder.Upgrade(at, payload)
}

// Turned implements exchange.UpgradeSink: HTTP/2 begins here, with the other side as
// its client.
func (c *tracedConn) Turned(_ ktime.Time, client decoder.Direction) {
	config := c.table.config
	config.Role, config.FromStart = decoder.Client, true
	if client == decoder.Recv {
		config.Role = decoder.Server
	}
	c.decoder = decoder.NewConn(config, c)
}

// Tunneled implements exchange.UpgradeSink.
func (c *tracedConn) Tunneled(at ktime.Time, d decoder.Direction, b []byte) {
	c.decoder.Data(at, d, b)
}

// Mixed implements decoder.MixedSink.
func (c *tracedConn) Mixed(at ktime.Time, line string) {
	detail := "the client speaks HTTP/1.x, the server HTTP/2"
	if line != "" {
		detail = fmt.Sprintf("the client speaks HTTP/2, the server answered %q", line)
	}
	c.mixed = &exchange.Error{Class: exchange.ClassProtocol, Detail: detail}
	c.tracker.Mixed(at, detail)
}
