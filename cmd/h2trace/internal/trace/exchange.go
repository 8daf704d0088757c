package trace

import (
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// openBudget bounds what is kept of open exchanges, of all connections: some
// 300,000 at once, with the URLs of modules.
const openBudget = 128 << 20

// follow begins to decode a connection.
func (c *tracedConn) follow(config decoder.Config) {
	c.decoder = decoder.NewConn(config, c)
	if c.table.framesOnly {
		return
	}
	c.tracker = exchange.New(exchange.Config{Scheme: c.scheme(), FromStart: config.FromStart, Budget: c.table.budget}, c)
	if client, known := config.Role.Client(); known {
		c.tracker.SetClient(client)
	}
}

// Bytes implements decoder.ByteSink.
func (c *tracedConn) Bytes(at ktime.Time, dir decoder.Direction, b []byte) {
	c.tracker.Data(at, dir, b)
}

// Gap implements decoder.ByteSink.
func (c *tracedConn) Gap(at ktime.Time, dir decoder.Direction, n int64) {
	if c.tracker.Tunneled() {
		c.inner.Stop()
	}
	c.tracker.Gap(at, dir, n)
}

// Request implements exchange.Sink.
func (c *tracedConn) Request(at ktime.Time, e *exchange.Exchange) {
	if !c.table.events.Shows(export.KindRequest) {
		return
	}
	event := export.Request{Exchange: e, Via: c.through(e)}
	if e.Method == "GET" {
		event.Module = moduleOf(e, c.source.Proxies())
	}
	c.table.events.Request(c.at(at), &event)
}

// Exchange implements exchange.Sink.
func (c *tracedConn) Exchange(e *exchange.Exchange) {
	c.table.exchanges++
	via := c.through(e)
	var module *export.Module
	if e.Method == "GET" {
		module = moduleOf(e, c.source.Proxies())
	}
	c.fetched(e, module)
	if !c.table.events.Shows(export.KindExchange) {
		return
	}
	retry := c.table.retry(c, e)
	meta := c.at(max(e.End, e.ResponseEnd, e.Response, e.RequestEnd, e.Start, c.since))
	event := export.Exchange{Exchange: e, Module: module, Retry: retry, Via: via}
	if e.Reused == exchange.ReusedNo {
		event.DNS, event.Connect, event.Handshake = c.event.DNS, c.event.Connect, c.event.Handshake
	}
	c.table.events.Exchange(meta, &event)
}

// retry returns which exchange another repeats, or nil. A connection that was
// closed lingers; where its client has sent a request again, and been answered,
// it expects nothing of it any more. That connection is finished at once, and not
// after the call: its exchange is printed before the one that repeats it, which is
// printed before the frames that follow in the same bytes.
func (t *connTable) retry(c *tracedConn, e *exchange.Exchange) *exchange.Retry {
	if over := t.waiters.find(c.meta.PID, e); over != nil {
		over.finish()
	}
	return t.retries.Of(c.meta.PID, c.meta.Conn, e)
}

// moduleOf returns what an exchange of a process with that GOPROXY asked a module
// proxy or a checksum database for, or nil.
func moduleOf(e *exchange.Exchange, list goproxy.Proxies) *export.Module {
	r, at, ok := list.Parse(e.URL)
	if !ok {
		return nil
	}
	m := &export.Module{Request: r}
	if at >= 0 {
		m.Proxy = list[at].URL
		// Without a response the same proxy may be asked again. The checksum
		// database is looked for once, and then stays where it is.
		if e.Status >= 400 && (!r.Kind.OfSumDB() || r.Kind == goproxy.SumDBSupported) {
			m.Next, m.Barred = list.Next(at, e.Status), list.Barred(at, e.Status)
		}
	}
	return m
}

// Stall implements exchange.Sink.
func (c *tracedConn) Stall(s *exchange.Stall) {
	c.table.events.Stall(c.at(s.End), s)
}
