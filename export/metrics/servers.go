package metrics

import (
	"bytes"
	"cmp"
	"net"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// The limits on label values. Further servers are "_other", as are all if there are too many
// combinations of the attributes of a request. Connections beyond the limit count for none.
const (
	MaxServers = 64
	MaxSeries  = 1024
	maxConns   = 1 << 14
	otherName  = "_other"
)

// The names of the limits, as h2trace_limit_exceeded_total has them.
const (
	limitServers = "servers"
	limitSeries  = "series"
	limitConns   = "connections"
)

var limitNames = []string{limitServers, limitSeries, limitConns}

// address is where a server is, as URLs say it.
type address struct{ host, port string }

// maxHost bounds a name of a server, which is 253 bytes in DNS.
const maxHost = 255

// servers are those that were asked, of which there is a bounded number.
type servers struct {
	known   map[address]*serverSeries
	origins map[string]address // of URLs, up to their path
	vectors *vectors
}

// serverSeries are the series of a server. Those that are nil have counted nothing.
type serverSeries struct {
	address
	phases                                                      [len(phaseKeys)]prometheus.Observer
	requestBytes, responseBytes, conns, retransmits, outOfOrder prometheus.Counter
	sent, received                                              prometheus.Counter
	recvStalls, sendStalls                                      prometheus.Counter
}

// get returns the series of a server, or those of all others.
func (s *servers) get(a address) *serverSeries {
	if one := s.known[a]; one != nil {
		return one
	}
	if len(s.known) >= MaxServers {
		s.vectors.limitsOfCounting.WithLabelValues(limitServers).Inc()
		a = address{otherName, ""}
		if one := s.known[a]; one != nil {
			return one
		}
	}
	one := &serverSeries{address: a}
	s.known[a] = one
	return one
}

// counter returns a counter of a vector that has the labels of a server, which it makes once.
func (s *serverSeries) counter(c *prometheus.Counter, of *prometheus.CounterVec, others ...string) prometheus.Counter {
	if *c == nil {
		*c = of.WithLabelValues(append([]string{s.host, s.port}, others...)...)
	}
	return *c
}

// maxOrigins bounds the origins that are kept.
const maxOrigins = 256

// origin returns the address of the server of a URL.
func (s *servers) origin(rawURL []byte) address {
	key := beforePath(rawURL)
	if a, ok := s.origins[string(key)]; ok {
		return a
	}
	a := addressOf(string(key))
	if len(s.origins) >= maxOrigins {
		clear(s.origins)
	}
	if len(key) <= 2*maxHost {
		s.origins[string(key)] = a
	}
	return a
}

// beforePath returns a URL without path, query and fragment.
func beforePath(rawURL []byte) []byte {
	_, rest, ok := bytes.Cut(rawURL, []byte("://"))
	if !ok {
		return nil
	}
	if end := bytes.IndexAny(rest, "/?#"); end >= 0 {
		return rawURL[:len(rawURL)-len(rest)+end]
	}
	return rawURL
}

// defaultPorts are those of URLs without one.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// addressOf returns the address in an origin, in which "<redacted>" may stand for credentials.
func addressOf(origin string) address {
	u, err := url.Parse(strings.ReplaceAll(origin, "<redacted>", "redacted"))
	if err != nil || u.Host == "" || len(u.Host) > maxHost {
		return address{}
	}
	return address{strings.ToValidUTF8(strings.ToLower(u.Hostname()), "\ufffd"), cmp.Or(u.Port(), defaultPorts[strings.ToLower(u.Scheme)])}
}

// remoteAddress returns the address of a peer: its name, if that is known, or else its IP address.
func remoteAddress(name, remote string) address {
	host, port, _ := net.SplitHostPort(remote)
	host = cmp.Or(strings.TrimSuffix(strings.ToLower(name), "."), host)
	if len(host) > maxHost {
		return address{}
	}
	return address{strings.ToValidUTF8(host, "\ufffd"), port}
}
