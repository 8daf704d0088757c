package fetchenv

import (
	"cmp"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// HTTPProxy is an HTTP proxy, or one for SOCKS, that a process is told to use.
type HTTPProxy struct {
	URL    string // without credentials
	Scheme string
	Port   string

	host string
}

// HTTPProxies are those of the environment of a process, as net/http reads it.
type HTTPProxies struct {
	config httpproxy.Config
	all    []HTTPProxy
}

// httpProxyVariables are those that net/http looks at. Which of two spellings
// counts differs between releases: with both, both are known.
var httpProxyVariables = [...]string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}

func (env Environment) httpProxies() *HTTPProxies {
	p := &HTTPProxies{config: httpproxy.Config{
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
func parseHTTPProxy(config *httpproxy.Config, rawURL string) (HTTPProxy, bool) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return HTTPProxy{}, false
	}
	proxy, err := config.ProxyFunc()(u)
	if err != nil || proxy == nil {
		return HTTPProxy{}, false
	}
	p := HTTPProxy{Scheme: strings.ToLower(proxy.Scheme), host: strings.ToLower(proxy.Hostname()), Port: PortOf(proxy)}
	p.URL = p.Scheme + "://" + proxy.Host
	return p, p.host != ""
}

// PortOf returns the port of a URL, that of its scheme where it names none.
func PortOf(u *url.URL) string {
	defaults := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}
	return cmp.Or(u.Port(), defaults[strings.ToLower(u.Scheme)])
}

// ForURL returns what net/http uses for requests to a URL.
func (p *HTTPProxies) ForURL(rawURL string) (HTTPProxy, bool) {
	if p == nil {
		return HTTPProxy{}, false
	}
	return parseHTTPProxy(&p.config, rawURL)
}

// At returns the one that a connection to an address is to, where name is what
// was resolved to that, or empty where that was not seen.
func (p *HTTPProxies) At(remote netip.AddrPort, name string) (HTTPProxy, bool) {
	if p == nil {
		return HTTPProxy{}, false
	}
	for _, one := range p.all {
		if one.Is(remote, name) == Sure {
			return one, true
		}
	}
	return HTTPProxy{}, false
}

// Certainty says whether a connection is to a proxy.
type Certainty uint8

// The values of Certainty.
const (
	No      Certainty = iota
	Perhaps           // the port is the same, and the name was not seen to be resolved
	Sure
)

// Is reports whether a connection is to the proxy, by what At takes.
func (p *HTTPProxy) Is(remote netip.AddrPort, name string) Certainty {
	addr := remote.Addr().Unmap()
	if remote.IsValid() && strconv.Itoa(int(remote.Port())) != p.Port {
		return No
	}
	if ip, err := netip.ParseAddr(p.host); err == nil {
		if ip.Unmap() == addr {
			return Sure
		}
		return No
	}
	switch name = strings.ToLower(strings.TrimSuffix(name, ".")); {
	case name == p.host, name != "" && !strings.Contains(p.host, ".") && strings.HasPrefix(name, p.host+"."):
		return Sure // with a domain of the search list, too
	case name != "" || !remote.IsValid():
		return No
	case p.host == "localhost":
		if addr.IsLoopback() {
			return Sure
		}
		return No
	}
	return Perhaps
}
