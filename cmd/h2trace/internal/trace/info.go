package trace

import (
	"cmp"
	"net"
	"net/netip"
	"strconv"

	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// connInfo is what every event of a connection says, and where the connection leads.
type connInfo struct {
	since  ktime.Time // of the first record
	meta   export.Meta
	event  export.Conn // what each conn event says
	scheme string      // of the requests: "https", or "http" without TLS
	// source is where the process fetches from, nil where that is not known.
	source *fetchenv.Source
	// tunnel is set when an HTTP proxy let a CONNECT through.
	tunnel bool
}

// endpoints are the addresses of a connection, which the packets of a socket have in
// common with the tls.Conn on it.
type endpoints struct{ local, remote netip.AddrPort }

// socket is what the connections have in common that one socket carries: that
// to an HTTP proxy, and the one inside to the origin.
type socket struct {
	pid int
	endpoints
}

// at returns the head of an event at t.
func (c *connInfo) at(t ktime.Time) export.Meta {
	m := c.meta
	m.Time = t
	return m
}

func (c *connInfo) endpoints() endpoints { return endpoints{c.event.Local, c.event.Remote} }

func (c *connInfo) socket() socket { return socket{c.meta.PID, c.endpoints()} }

// asProxy returns what the peer of a connection is called, if it is an HTTP
// proxy: as the environment of the process has it, or else by what is known of it.
func (c *connInfo) asProxy() string {
	if p, ok := c.source.HTTPProxies().At(c.event.Remote, c.event.Name); ok {
		return p.URL
	}
	if !c.event.Remote.IsValid() {
		return ""
	}
	host := c.event.Remote.Addr().Unmap().String()
	if c.event.TLS != nil {
		host = cmp.Or(c.event.TLS.SNI, c.event.Name, host)
	}
	return c.scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(c.event.Remote.Port())))
}
