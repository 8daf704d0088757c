package otlp

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// The paths of the signals (OTLP 1.9, OTLP/HTTP Request).
const (
	tracesPath  = "/v1/traces"
	metricsPath = "/v1/metrics"
)

// Endpoint is a collector. The path of a signal is added to its URL, as to that of
// OTEL_EXPORTER_OTLP_ENDPOINT.
type Endpoint struct{ base url.URL }

// ParseEndpoint returns the Endpoint of a URL. Its errors do not show the credentials in it.
func ParseEndpoint(text string) (Endpoint, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "" && u.Host == "" || u.Opaque != "":
		return Endpoint{}, errors.New("no URL; the one of a collector is like http://localhost:4318")
	case u.Scheme != "http" && u.Scheme != "https":
		return Endpoint{}, fmt.Errorf("OTLP goes over http or https, not %q; the URL of a collector is like http://localhost:4318", u.Scheme)
	case u.Hostname() == "":
		return Endpoint{}, errors.New("the URL names no host; that of a collector is like http://localhost:4318")
	case u.RawQuery != "" || u.Fragment != "":
		return Endpoint{}, errors.New("the URL of a collector has no query; OTEL_EXPORTER_OTLP_HEADERS is for its credentials")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	for _, signal := range []string{tracesPath, metricsPath} {
		u.Path = strings.TrimSuffix(u.Path, signal)
	}
	u.RawPath = ""
	return Endpoint{*u}, nil
}

// String returns the URL without credentials.
func (e Endpoint) String() string {
	u := e.base
	u.User = nil
	return u.String()
}

// of returns the URL for a signal.
func (e Endpoint) of(path string) string {
	u := e.base
	u.Path += path
	return u.String()
}

// isLocal reports whether the collector is on this host.
func (e Endpoint) isLocal() bool {
	host := e.base.Hostname()
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// hint says what is likely wrong with a collector that does not understand OTLP over HTTP.
func (e Endpoint) hint() string {
	if e.base.Port() == "4317" {
		return "; port 4317 is mostly for gRPC, and 4318 for HTTP"
	}
	return ""
}
