package main

import (
	"errors"

	"h2trace/bpf"
	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
	"h2trace/export"
)

// complain prints what a go command says that it could not fetch, and with which
// of the exchanges that are over.
func (p *processes) complain(r *bpf.Record, conns *connTable) error {
	p.mu.Lock()
	proc, ok := p.known[r.PID]
	p.mu.Unlock()
	if !ok {
		return nil
	}
	proc.at = r.Time
	var err error
	for _, c := range goproxy.ParseComplaints(r.Message, proc.source.Proxies()) {
		err = errors.Join(err, conns.endFor(r, &c))
		event := &export.Process{Action: export.ProcessError, Complaint: &c, Fetches: conns.fetches.Of(r.PID, &c)}
		if c.AtProxy {
			via, _ := proc.source.HTTPProxies().ForURL(c.URL)
			event.Via = via.URL
		}
		p.print(proc, event)
	}
	return err
}

// endFor ends the connections on which an exchange is cut that a complaint may
// speak of. They are closed, and linger; whoever read from them has given up.
func (t *connTable) endFor(r *bpf.Record, complaint *goproxy.Complaint) error {
	return t.finishClosed(func(c *tracedConn) bool {
		return c.meta.PID == r.PID && c.closed.at <= r.Time && c.tracker.Any(func(e *exchange.Exchange) bool {
			m := moduleOf(e, c.source.Proxies())
			return m != nil && complaint.IsOf(c.fetch(e, m, true))
		})
	})
}

// fetched remembers an exchange for what the go command says of it. If it has
// said so already, the exchange has failed.
func (c *tracedConn) fetched(e *exchange.Exchange, m *export.Module) {
	if said := c.table.fetches.Add(c.fetch(e, m, e.Error != nil)); said != nil {
		e.Error = &exchange.Error{Class: exchange.Class(said.Class), Detail: said.Detail}
	}
}

func (c *tracedConn) fetch(e *exchange.Exchange, m *export.Module, failed bool) *goproxy.Fetch {
	return &goproxy.Fetch{
		Process: c.meta.PID, Conn: c.meta.Conn, Stream: e.Stream, URL: e.URL, Proxy: m.Proxy,
		Status: e.Status, Failed: failed, Request: m.Request,
	}
}
