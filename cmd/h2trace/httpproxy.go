package main

import (
	"cmp"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// httpProxy is an HTTP proxy, or one for SOCKS, that a process is told to use.
type httpProxy struct {
	url        string // without credentials
	scheme     string
	host, port string
}

// httpProxies are those of the environment of a process, as net/http reads it.
type httpProxies struct {
	config httpproxy.Config
	all    []httpProxy
}

// httpProxyVariables are those that net/http looks at. Which of two spellings
// counts differs between releases: with both, both are known.
var httpProxyVariables = [...]string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}

func (env environment) httpProxies() *httpProxies {
	p := &httpProxies{config: httpproxy.Config{
		HTTPProxy:  cmp.Or(env["HTTP_PROXY"], env["http_proxy"]),
		HTTPSProxy: cmp.Or(env["HTTPS_PROXY"], env["https_proxy"]),
		NoProxy:    cmp.Or(env["NO_PROXY"], env["no_proxy"]),
		CGI:        env["REQUEST_METHOD"] != "",
	}}
	for _, name := range httpProxyVariables {
		// The library parses the variable when it is asked for a proxy.
		only := httpproxy.Config{HTTPSProxy: env[name]}
		if one, ok := parseHTTPProxy(&only, "https://origin.example"); ok {
			p.all = append(p.all, one)
		}
	}
	if p.all == nil {
		return nil
	}
	return p
}

// parseHTTPProxy returns the proxy that a configuration has for a URL.
func parseHTTPProxy(config *httpproxy.Config, rawURL string) (httpProxy, bool) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return httpProxy{}, false
	}
	proxy, err := config.ProxyFunc()(u)
	if err != nil || proxy == nil {
		return httpProxy{}, false
	}
	p := httpProxy{scheme: strings.ToLower(proxy.Scheme), host: strings.ToLower(proxy.Hostname()), port: portOf(proxy)}
	p.url = p.scheme + "://" + proxy.Host
	return p, p.host != ""
}

// portOf returns the port of a URL, that of its scheme where it names none.
func portOf(u *url.URL) string {
	defaults := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}
	return cmp.Or(u.Port(), defaults[strings.ToLower(u.Scheme)])
}

// forURL returns what net/http uses for requests to a URL.
func (p *httpProxies) forURL(rawURL string) (httpProxy, bool) {
	if p == nil {
		return httpProxy{}, false
	}
	return parseHTTPProxy(&p.config, rawURL)
}

// at returns the one that a connection to an address is to, where name is what
// was resolved to that, or empty where that was not seen.
func (p *httpProxies) at(remote netip.AddrPort, name string) (httpProxy, bool) {
	if p == nil {
		return httpProxy{}, false
	}
	for _, one := range p.all {
		if one.is(remote, name) == sure {
			return one, true
		}
	}
	return httpProxy{}, false
}

// certainty says whether a connection is to a proxy.
type certainty uint8

const (
	no      certainty = iota
	perhaps           // the port is the same, and the name was not seen to be resolved
	sure
)

func (one *httpProxy) is(remote netip.AddrPort, name string) certainty {
	addr := remote.Addr().Unmap()
	if remote.IsValid() && portText(remote) != one.port {
		return no
	}
	if ip, err := netip.ParseAddr(one.host); err == nil {
		if ip.Unmap() == addr {
			return sure
		}
		return no
	}
	switch name = strings.ToLower(strings.TrimSuffix(name, ".")); {
	case name == one.host, name != "" && !strings.Contains(one.host, ".") && strings.HasPrefix(name, one.host+"."):
		return sure // with a domain of the search list, too
	case name != "" || !remote.IsValid():
		return no
	case one.host == "localhost":
		if addr.IsLoopback() {
			return sure
		}
		return no
	}
	return perhaps
}

func portText(a netip.AddrPort) string {
	_, port, _ := strings.Cut(netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port()).String(), ":")
	return port
}
