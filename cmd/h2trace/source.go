package main

import (
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

// source is where a process fetches from, and through what, by its environment.
// The nil source is not known.
type source struct {
	pid   int
	files []string
	ready chan struct{} // closed when proxies is set
	late  bool
	list  goproxy.Proxies
	http  *httpProxies // nil: none
}

// sources reads files beside the reading of records: they may be on a file
// system that does not answer.
type sources chan *source

func newSources() sources {
	s := make(sources, sourceQueue)
	go func() {
		for src := range s {
			src.list = goproxy.ParseProxies(lookIn(src.pid, src.files, "GOPROXY"))
			close(src.ready)
		}
	}()
	return s
}

// of returns the source of a process that has just executed exe, or runs it.
func (s sources) of(pid int, exe string) *source {
	env, err := readEnviron(pid)
	if err != nil {
		return nil
	}
	src := &source{pid: pid, ready: make(chan struct{}), http: env.httpProxies()}
	if list := env["GOPROXY"]; list != "" || filepath.Base(exe) != "go" {
		src.list = goproxy.ParseProxies(list)
		close(src.ready)
		return src
	}
	src.files = env.envFiles(exe)
	select {
	case s <- src:
	default:
		src.late = true
	}
	return src
}

// httpProxies returns the HTTP proxies that the process is told to use.
func (s *source) httpProxies() *httpProxies {
	if s == nil {
		return nil
	}
	return s.http
}

// proxies returns what GOPROXY is. It is for one goroutine.
func (s *source) proxies() goproxy.Proxies {
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
