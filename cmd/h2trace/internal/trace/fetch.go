package trace

import (
	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
	"h2trace/export"
)

// cut returns an unfinished exchange that a complaint may be about, or nil.
func (s *exchangeSink) cut(complaint *goproxy.Complaint) (of *goproxy.Fetch) {
	s.tracker.Any(func(e *exchange.Exchange) bool {
		one, ok := s.fetch(e, moduleOf(e, s.source.Proxies()))
		if !ok {
			return false
		}
		if one.Failed = true; complaint.IsOf(one) {
			of = one
		}
		return of != nil
	})
	return of
}

// fetched remembers an exchange for later complaints of the go command. If the
// complaint came first, the exchange has failed.
func (s *exchangeSink) fetched(e *exchange.Exchange, m *export.Module) {
	one, ok := s.fetch(e, m)
	if !ok {
		return
	}
	if said := s.book.fetches.Add(one); said != nil {
		e.Error = &exchange.Error{Class: exchange.Class(said.Class), Detail: said.Detail}
	}
}

// fetch returns an exchange that a complaint may be about. That is one with a module
// proxy or checksum database, one for a page that names a repository or its redirect,
// or a refused CONNECT.
func (s *exchangeSink) fetch(e *exchange.Exchange, m *export.Module) (f *goproxy.Fetch, ok bool) {
	connect := e.Method == "CONNECT" && e.Error != nil
	if m == nil && !connect && (e.Method != "GET" || !goproxy.IsPage(e.URL) && !s.book.fetches.Awaits(s.meta.PID, e.URL)) {
		return nil, false
	}
	f = &goproxy.Fetch{
		Process: s.meta.PID, Conn: s.meta.Conn, Stream: e.Stream, URL: e.URL, Status: e.Status, Redirect: e.Redirect,
		Connect: connect,
		Failed:  e.Error != nil,
	}
	if e.Error != nil {
		f.Class = string(e.Error.Class)
	}
	if m != nil {
		f.Proxy, f.Request = m.Proxy, m.Request
	}
	return f, true
}
