package fetchenv

import (
	"cmp"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// HTTPProxy is a proxy, for HTTP or SOCKS, from the environment of a process.
type HTTPProxy struct {
	Server
	URL    string // without credentials
	Scheme string
}

// HTTPProxies are the proxies in the environment of a process, as net/http reads it.
type HTTPProxies struct {
	config httpproxy.Config
	all    []HTTPProxy
}

// httpProxyVariables are the variables that net/http reads. Which of two spellings
// counts differs between releases; if both are set, both proxies are known.
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
	p := HTTPProxy{Server: serverOf(proxy), Scheme: strings.ToLower(proxy.Scheme)}
	p.URL = p.Scheme + "://" + proxy.Host
	return p, p.host != ""
}

// ForURL returns the proxy that net/http uses for requests to a URL.
func (p *HTTPProxies) ForURL(rawURL string) (HTTPProxy, bool) {
	if p == nil {
		return HTTPProxy{}, false
	}
	return parseHTTPProxy(&p.config, rawURL)
}

// At returns the proxy that a connection goes to, with the arguments of Server.Is.
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
