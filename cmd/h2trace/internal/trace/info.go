package trace

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// connInfo is what every event of a connection says, and where the connection leads.
type connInfo struct {
	since  ktime.Time // of the first record
	meta   export.Meta
	event  export.Conn // what each conn event says
	scheme string      // of the requests: "https", or "http" without TLS
	// source is where the process fetches from, nil if unknown.
	source *fetchenv.Source
	// tunnel is set when an HTTP proxy let a CONNECT through.
	tunnel bool
}

// endpoints are the addresses of a connection. The packets of a socket and the tls.Conn
// on it share them.
type endpoints struct{ local, remote netip.AddrPort }

// socket identifies the socket of a connection. The connection to an HTTP proxy and the
// one inside it to the origin share it.
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

// fullName says what a connection is, for who looks at its packets.
func (c *connInfo) fullName() string {
	way, peer := "to", c.event.Remote.String()
	if c.event.Role == decoder.Server {
		way = "from"
	} else if c.event.Name != "" {
		peer = net.JoinHostPort(c.event.Name, strconv.Itoa(int(c.event.Remote.Port())))
	}
	return fmt.Sprintf("%s of %s[%d] %s %s", c.meta.Conn, c.meta.Comm, c.meta.PID, way, peer)
}

// asProxy names the peer of a connection as an HTTP proxy: by the environment of the
// process, or else by what is known of the peer.
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
