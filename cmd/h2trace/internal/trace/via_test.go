package trace

import (
	"net/netip"
	"testing"

	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
)

// TestThrough has connections of a process whose environment names an HTTP proxy.
func TestThrough(t *testing.T) {
	const origin = "https://goproxy.example/m"
	tests := []struct {
		name         string
		env          fetchenv.Environment
		remote, host string // host is the resolved name
		url          string
		want         string
	}{
		{"address", fetchenv.Environment{"HTTPS_PROXY": "http://u:p@192.0.2.1:3128/x"}, "192.0.2.1:3128", "", origin, "http://192.0.2.1:3128"},
		{"another address", fetchenv.Environment{"HTTPS_PROXY": "http://192.0.2.1:3128"}, "192.0.2.2:3128", "", origin, ""},
		{"another port", fetchenv.Environment{"HTTPS_PROXY": "http://192.0.2.1:3128"}, "192.0.2.1:443", "", origin, ""},
		{"IPv6", fetchenv.Environment{"HTTPS_PROXY": "http://[2001:db8::1]:3128"}, "[2001:db8::1]:3128", "", origin, "http://[2001:db8::1]:3128"},
		{"no scheme, no port", fetchenv.Environment{"https_proxy": "proxy.example"}, "192.0.2.1:80", "proxy.example", origin, "http://proxy.example"},
		{"SOCKS", fetchenv.Environment{"HTTPS_PROXY": "socks5://proxy.example"}, "192.0.2.1:1080", "PROXY.example.", origin, "socks5://proxy.example"},
		{"name of a search list", fetchenv.Environment{"HTTPS_PROXY": "http://proxy:3128"}, "192.0.2.1:3128", "proxy.corp.example", origin, "http://proxy:3128"},
		{"another name", fetchenv.Environment{"HTTPS_PROXY": "http://proxy:3128"}, "192.0.2.1:3128", "goproxy.example", origin, ""},
		{"name of a file", fetchenv.Environment{"HTTPS_PROXY": "http://proxy:3128"}, "192.0.2.1:3128", "", origin, "http://proxy:3128"},
		{"name of a file, same port", fetchenv.Environment{"HTTPS_PROXY": "http://proxy:443"}, "192.0.2.1:443", "", origin, ""},
		{"name of a file, not for it", fetchenv.Environment{"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".example"}, "192.0.2.1:3128", "", origin, ""},
		{"localhost", fetchenv.Environment{"HTTPS_PROXY": "http://localhost:3128"}, "127.0.0.1:3128", "", origin, "http://localhost:3128"},
		{"not localhost", fetchenv.Environment{"HTTPS_PROXY": "http://localhost:3128"}, "192.0.2.1:3128", "", origin, ""},
		{"TLS to the proxy itself", fetchenv.Environment{"HTTPS_PROXY": "https://192.0.2.1:3128"}, "192.0.2.1:3128", "", origin, ""},
		{"for http alone", fetchenv.Environment{"HTTP_PROXY": "http://192.0.2.1:3128"}, "192.0.2.1:3128", "", origin, "http://192.0.2.1:3128"},
		{"nonsense", fetchenv.Environment{"HTTPS_PROXY": "http://%zz", "http_proxy": "://"}, "192.0.2.1:3128", "", origin, ""},
		{"none", fetchenv.Environment{"NO_PROXY": "*"}, "192.0.2.1:3128", "", origin, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sockets := make(innermost)
			c := &tracedConn{connInfo: connInfo{scheme: "https", source: fetchenv.NewSource(tt.env)}}
			c.event.Role = decoder.Client
			c.event.Remote, c.event.Name = netip.MustParseAddrPort(tt.remote), tt.host
			c.decoder = decoder.NewConn(decoder.Config{}, nil)
			sockets.enter(c)
			if got := c.through(&exchange.Exchange{Method: "GET", URL: tt.url}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTunnel has a connection inside another one. The fetchenv.Environment does not name the
// proxy.
func TestTunnel(t *testing.T) {
	sockets := make(innermost)
	dial := func(pid int, role decoder.Role) *tracedConn {
		c := &tracedConn{connInfo: connInfo{scheme: "https"}}
		c.meta.PID = pid
		c.event.Role = role
		c.event.Local, c.event.Remote = netip.MustParseAddrPort("192.0.2.9:1024"), netip.MustParseAddrPort("192.0.2.1:3128")
		c.decoder = decoder.NewConn(decoder.Config{}, nil)
		sockets.enter(c)
		return c
	}
	cleartext := dial(3, decoder.Client)
	cleartext.scheme, cleartext.wire = "http", newWireConn(cleartext, nil, nil)
	if inner := dial(3, decoder.Client); inner.event.Via != "" {
		t.Error("a connection goes through one without TLS on which there was no CONNECT")
	}
	sockets = make(innermost)
	sockets.enter(cleartext)
	cleartext.through(&exchange.Exchange{Method: "CONNECT", URL: "goproxy.example:443", Status: 200, ToProxy: true})
	if inner := dial(3, decoder.Client); inner.event.Via != "http://192.0.2.1:3128" {
		t.Errorf("behind a CONNECT without TLS it goes through %q", inner.event.Via)
	}

	outer := dial(1, decoder.Client)
	connect := &exchange.Exchange{Method: "CONNECT", URL: "goproxy.example:443", Status: 200, ToProxy: true}
	const want = "https://192.0.2.1:3128"
	if got := outer.through(connect); got != want || outer.event.Via != "" {
		t.Errorf("the CONNECT goes through %q, its connection through %q", got, outer.event.Via)
	}
	inner := dial(1, decoder.Client)
	if got := inner.through(&exchange.Exchange{Method: "GET", URL: "https://goproxy.example/"}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if other := dial(2, decoder.Client); other.event.Via != "" {
		t.Error("the connection of another process goes through it, too")
	}
	outer.end, inner.end = &unreportedEnd{}, &unreportedEnd{}
	sockets.leave(outer)
	if again := dial(1, decoder.Client); again.event.Via != "" {
		t.Error("a socket with the same addresses, after the end of the other, goes through it")
	}
	if server := dial(1, decoder.Server); server.event.Via != "" {
		t.Error("a server goes through an HTTP proxy")
	}
}
