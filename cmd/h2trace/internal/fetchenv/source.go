// Package fetchenv finds out where a process fetches modules from, and through which
// HTTP proxies, from its environment and the files of the go command.
package fetchenv

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
)

const (
	// sourceQueue is how many processes may wait for their files to be read. For
	// further ones the contents of files stay unknown.
	sourceQueue = 1024
	// sourceWait is how long to wait for files when they are needed. Reading starts
	// when the process begins.
	sourceWait = 50 * time.Millisecond
)

// Source is where a process fetches from, and through which proxies. The nil Source
// is unknown.
type Source struct {
	pid   int
	files []string
	ready chan struct{} // closed when list is set
	late  bool
	list  goproxy.Proxies
	http  *HTTPProxies // nil: none
	// tracing is what the environment says to tracing systems.
	tracing Tracing
}

// Tracing is what the environment of a process says to tracing systems: to which span what it does
// belongs, and its name.
type Tracing struct {
	Parent  exchange.TraceParent
	Service string
}

// maxService bounds the name of a service.
const maxService = 256

func (env Environment) tracing() Tracing {
	service := env["OTEL_SERVICE_NAME"]
	if len(service) > maxService {
		service = ""
	}
	return Tracing{exchange.ParseTraceParent(env["TRACEPARENT"]), service}
}

// Tracing returns what the process says to tracing systems.
func (s *Source) Tracing() Tracing {
	if s == nil {
		return Tracing{}
	}
	return s.tracing
}

// NewSource returns the Source of a process with an environment, without the files of
// the go command.
func NewSource(env Environment) *Source {
	s := &Source{ready: make(chan struct{}), list: goproxy.ParseProxies(env["GOPROXY"]), http: env.httpProxies(), tracing: env.tracing()}
	close(s.ready)
	return s
}

// HTTPProxies returns the HTTP proxies in the settings of the process.
func (s *Source) HTTPProxies() *HTTPProxies {
	if s == nil {
		return nil
	}
	return s.http
}

// Proxies returns the entries of GOPROXY. It is for one goroutine.
func (s *Source) Proxies() goproxy.Proxies {
	if s == nil {
		return nil
	}
	select {
	case <-s.ready:
		return s.list
	default:
	}
	if s.late {
		return nil
	}
	select {
	case <-s.ready:
		return s.list
	case <-time.After(sourceWait):
		s.late = true // and does not wait again
		return nil
	}
}

// ProxyAt returns the entry of GOPROXY that a connection goes to, with the arguments
// of Server.Is. It also returns the entries that a go command asks if that connection
// fails, and those that it would ask but for a ",". All are empty if that is unknown.
func (s *Source) ProxyAt(remote netip.AddrPort, name string) (proxy, next, barred string) {
	list := s.Proxies()
	for i := range list {
		u, err := url.Parse(list[i].URL)
		if err != nil || u.Host == "" {
			continue // direct or off
		}
		if at := serverOf(u); at.Is(remote, name) == Sure {
			return list[i].URL, list.Next(i, 0), list.Barred(i, 0)
		}
	}
	return "", "", ""
}

// Reader reads files in the background, apart from the records: they may be on a file
// system that does not answer.
type Reader chan *Source

// NewReader returns a Reader. Close ends it.
func NewReader() Reader {
	r := make(Reader, sourceQueue)
	go func() {
		for s := range r {
			s.list = goproxy.ParseProxies(lookIn(s.pid, s.files, "GOPROXY"))
			close(s.ready)
		}
	}()
	return r
}

// Source returns the Source of a process with an environment, which has just executed
// exe, or runs it.
func (r Reader) Source(env Environment, pid int, exe string) *Source {
	if env["GOPROXY"] != "" || filepath.Base(exe) != "go" {
		return NewSource(env)
	}
	s := &Source{pid: pid, files: env.envFiles(exe), ready: make(chan struct{}), http: env.httpProxies(), tracing: env.tracing()}
	select {
	case r <- s:
	default:
		s.late = true
	}
	return s
}
