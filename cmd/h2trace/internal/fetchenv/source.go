// Package fetchenv tells where a process fetches modules from, and through which
// HTTP proxies, by its environment and the files of the go command.
package fetchenv

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"h2trace/decoder/goproxy"
)

const (
	// sourceQueue is how many processes may wait for their files to be read.
	// Of more, what is in files is not known.
	sourceQueue = 1024
	// sourceWait is how long to wait for files when they are needed. They were
	// asked for when the process began.
	sourceWait = 50 * time.Millisecond
)

// Source is where a process fetches from, and through what. The nil Source is
// not known.
type Source struct {
	pid   int
	files []string
	ready chan struct{} // closed when list is set
	late  bool
	list  goproxy.Proxies
	http  *HTTPProxies // nil: none
}

// NewSource returns the Source of a process with that environment that does not
// read the files of the go command.
func NewSource(env Environment) *Source {
	s := &Source{ready: make(chan struct{}), list: goproxy.ParseProxies(env["GOPROXY"]), http: env.httpProxies()}
	close(s.ready)
	return s
}

// HTTPProxies returns the HTTP proxies that the process is told to use.
func (s *Source) HTTPProxies() *HTTPProxies {
	if s == nil {
		return nil
	}
	return s.http
}

// Proxies returns what GOPROXY is. It is for one goroutine.
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
		s.late = true // and not waited for again
		return nil
	}
}

// ProxyAt returns the entry of GOPROXY that a connection is to, by what Server.Is
// takes, what a go command asks when it cannot be made, and what it would ask but for
// a ",". All are empty where that is not known.
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

// Reader reads files beside the reading of records: they may be on a file system
// that does not answer.
type Reader chan *Source

// NewReader returns a Reader. Closing it ends it.
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

// Source returns the Source of a process with that environment that has just
// executed exe, or runs it.
func (r Reader) Source(env Environment, pid int, exe string) *Source {
	if env["GOPROXY"] != "" || filepath.Base(exe) != "go" {
		return NewSource(env)
	}
	s := &Source{pid: pid, files: env.envFiles(exe), ready: make(chan struct{}), http: env.httpProxies()}
	select {
	case r <- s:
	default:
		s.late = true
	}
	return s
}
