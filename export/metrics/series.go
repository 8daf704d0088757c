package metrics

import (
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"h2trace/export/scan"
)

// attributes are those of the duration of a request. Where they are of a client, place is the
// address of the server, else it is the scheme.
type attributes struct {
	place     address
	method    string
	status    int64 // 0 without a response
	errorType string
}

// series are those of durations of requests, of which there is a bounded number.
type series struct {
	clients, servers map[attributes]prometheus.Observer
	vectors          *vectors
}

func newSeries(v *vectors) series {
	return series{clients: make(map[attributes]prometheus.Observer), servers: make(map[attributes]prometheus.Observer), vectors: v}
}

// client returns the series of requests that observed processes sent.
func (s *series) client(a attributes) prometheus.Observer {
	return s.get(s.clients, a, address{otherName, ""}, func(a attributes) prometheus.Observer {
		return s.vectors.clientDuration.WithLabelValues(a.place.host, a.place.port, a.method, statusText(a.status), a.errorType)
	})
}

// server returns the series of requests that they served.
func (s *series) server(a attributes) prometheus.Observer {
	return s.get(s.servers, a, address{}, func(a attributes) prometheus.Observer {
		return s.vectors.serverDuration.WithLabelValues(a.method, a.place.host, statusText(a.status), a.errorType)
	})
}

// get returns a series of some. If there are too many, it is one of those for all others, which
// keep only classes of errors apart.
func (s *series) get(of map[attributes]prometheus.Observer, a attributes, other address, add func(attributes) prometheus.Observer) prometheus.Observer {
	if o := of[a]; o != nil {
		return o
	}
	if len(of) >= MaxSeries {
		s.vectors.limitsOfCounting.WithLabelValues(limitSeries).Inc()
		if a.status >= 400 {
			a.errorType = class4xx
			if a.status >= 500 {
				a.errorType = class5xx
			}
		}
		a = attributes{place: other, method: otherMethod, errorType: a.errorType}
		if o := of[a]; o != nil {
			return o
		}
	}
	o := add(a)
	of[a] = o
	return o
}

func statusText(status int64) string {
	if status == 0 {
		return ""
	}
	return strconv.FormatInt(status, 10)
}

// methods are those of RFC 9110 and RFC 5789. The conventions have _OTHER for all others.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

const otherMethod = "_OTHER"

func methodOf(v []byte) string { return oneOf(methods, v, otherMethod) }

// The classes of errors that the events have. Those that this version does not know are other.
const (
	class4xx = "http_4xx"
	class5xx = "http_5xx"

	classAborted = "aborted"
	otherClass   = "other"
)

var classes = []string{
	"dns", "connect", "tls", "timeout", "reset", "goaway", class4xx, class5xx, "protocol", "checksum", classAborted,
	"vcs", "unavailable", "toolchain",
}

// classOf returns the class of an error, "" for none.
func classOf(e *scan.Object) string {
	v := scan.Bytes(e.Within("error", "class"))
	if v == nil {
		return ""
	}
	return oneOf(classes, v, otherClass)
}

// oneOf returns the word that v is, or else another.
func oneOf(words []string, v []byte, other string) string {
	if i := slices.IndexFunc(words, func(w string) bool { return w == string(v) }); i >= 0 {
		return words[i]
	}
	return other
}
