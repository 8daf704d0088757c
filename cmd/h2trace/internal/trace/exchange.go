package trace

import (
	"h2trace/cmd/h2trace/internal/clienthello"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
	"h2trace/decoder/http1"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// openBudget bounds the open exchanges of all connections: some 300,000 at once, with
// the URLs of modules.
const openBudget = 128 << 20

// exchangeBook is what the exchanges of all connections share.
type exchangeBook struct {
	events  *export.JSONL
	hellos  *hellos
	budget  *http1.Budget // of exchanges that are open
	retries exchange.Retries
	fetches goproxy.Fetches // for what go commands say of them later
	off     bool            // no exchanges are put together
	count   uint64
	// repeated is called before an exchange is printed that may repeat another one of
	// the process. See closing.repeated.
	repeated func(pid int, e *exchange.Exchange)
}

// exchangeSink prints the exchanges of a connection, and finds TLS and HTTP/2 that
// begin inside it. It is the exchange.Sink of its tracker.
type exchangeSink struct {
	*connInfo
	book    *exchangeBook
	tracker *exchange.Tracker // nil where no exchanges are put together
	// inner reads a ClientHello in a tunnel.
	inner clienthello.Reader
	// Upgrade and tunnel are what the current call of the decoder found.
	exchange.Upgrade
	tunnel tunnel
}

// An optional sink with a method that does not fit would silently be none.
var _ interface {
	exchange.TunnelSink
	exchange.UpgradeSink
} = (*exchangeSink)(nil)

// follow begins to put exchanges together.
func (s *exchangeSink) follow(role decoder.Role, fromStart bool) {
	if s.book.off {
		return
	}
	s.tracker = exchange.New(exchange.Config{Scheme: s.scheme, FromStart: fromStart, Budget: s.book.budget}, s)
	if client, known := role.Client(); known {
		s.tracker.SetClient(client)
	}
}

// gap takes that bytes of HTTP/1.x are missing.
func (s *exchangeSink) gap(at ktime.Time, dir decoder.Direction, n int64) {
	if s.tracker.Tunneled() {
		s.inner.Stop()
		if s.tunnel.wanted {
			s.tunnel.addMissing(at, dir, n)
		}
	}
	s.tracker.Gap(at, dir, n)
}

// isTunnelOfOther reports whether a tunnel carries nothing of use.
func (s *exchangeSink) isTunnelOfOther() bool { return s.tracker.Tunneled() && s.inner.Over() }

// InTunnel implements exchange.TunnelSink: TLS may begin inside of a connection.
func (s *exchangeSink) InTunnel(at ktime.Time, d decoder.Direction, b []byte) {
	if s.tunnel.wanted {
		s.tunnel.add(at, d, b)
		return
	}
	s.book.hellos.read(&s.inner, s.connInfo, s.event.Role, d, b)
}

// Request implements exchange.Sink.
func (s *exchangeSink) Request(at ktime.Time, e *exchange.Exchange) {
	if !s.book.events.Shows(export.KindRequest) {
		return
	}
	event := export.Request{Exchange: e, Via: s.through(e)}
	if e.Method == "GET" {
		event.Module = moduleOf(e, s.source.Proxies())
	}
	s.book.events.Request(s.at(at), &event)
}

// Exchange implements exchange.Sink.
func (s *exchangeSink) Exchange(e *exchange.Exchange) {
	s.book.count++
	via := s.through(e)
	var module *export.Module
	if e.Method == "GET" {
		module = moduleOf(e, s.source.Proxies())
	}
	s.fetched(e, module)
	if !s.book.events.Shows(export.KindExchange) {
		return
	}
	s.book.repeated(s.meta.PID, e)
	retry := s.book.retries.Of(s.meta.PID, s.meta.Conn, e)
	meta := s.at(max(e.End, e.ResponseEnd, e.Response, e.RequestEnd, e.Start, s.since))
	event := export.Exchange{Exchange: e, Role: s.event.Role, Module: module, Retry: retry, Via: via}
	if e.Reused == exchange.ReusedNo {
		event.DNS, event.Connect, event.Handshake = s.event.DNS, s.event.Connect, s.event.Handshake
	}
	s.book.events.Exchange(meta, &event)
}

// moduleOf returns what an exchange asked a module proxy or checksum database for, or
// nil. list is the GOPROXY of the process.
func moduleOf(e *exchange.Exchange, list goproxy.Proxies) *export.Module {
	r, at, ok := list.Parse(e.URL)
	if !ok {
		return nil
	}
	m := &export.Module{Request: r}
	if at >= 0 {
		m.Proxy, m.Tail, m.Credentials = list[at].URL, list.Tail(), list[at].Credentials
		// Without a response the same proxy may be asked again. The checksum
		// database is looked for once, and then stays where it is.
		if e.Status >= 400 && (!r.Kind.OfSumDB() || r.Kind == goproxy.SumDBSupported) {
			m.Next, m.Barred = list.Next(at, e.Status), list.Barred(at, e.Status)
		}
	}
	return m
}

// Stall implements exchange.Sink.
func (s *exchangeSink) Stall(e *exchange.Stall) {
	s.book.events.Stall(s.at(e.End), e)
}
