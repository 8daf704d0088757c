package export

import (
	"strconv"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
	"h2trace/decoder/ktime"
)

// Exchange is a request and its response.
type Exchange struct {
	*exchange.Exchange
	// Role is that of the process in the connection.
	Role decoder.Role
	// DNS, Connect and Handshake are the times to establish the connection, if this
	// exchange opened it; nil is unknown.
	DNS, Connect, Handshake *time.Duration
	// Module is the request to a module proxy, or nil.
	Module *Module
	// Retry is set if it repeats an unanswered exchange.
	Retry *exchange.Retry
	// Via is as in Conn. An exchange with the proxy itself has it, too.
	Via string
}

// Module is the request of an exchange to a module proxy.
type Module struct {
	goproxy.Request
	// Proxy is the entry of GOPROXY that it went to, empty if unknown. Next is the entry
	// that the go command tries after such a failure, or goproxy.None. Barred is the one
	// that it does not try because of a ",", or "".
	Proxy, Next, Barred string
	// Tail is what comes after all proxies in GOPROXY: goproxy.Direct, goproxy.Off or
	// goproxy.None; "" if unknown.
	Tail        string
	Credentials bool // the entry of GOPROXY has some
}

// Exchange prints an exchange event.
func (j *JSONL) Exchange(m Meta, e *Exchange) {
	b, ok := j.begin(KindExchange)
	if !ok {
		return
	}
	b = j.enc.appendMeta(b, &m, KindExchange)
	b = appendIntOrNull(b, "stream", &e.Stream)
	b = j.enc.appendTextOrNull(b, "method", e.Method)
	b = j.enc.appendTextOrNull(b, "url", e.URL)
	b = appendCount(b, "status", e.Status, e.Status > 0)
	b = appendText(b, "protocol", e.Proto.String())
	b = appendReused(b, e.Reused)
	b = appendCount(b, "request_bytes", int(e.RequestBytes), e.RequestBytes >= 0)
	b = appendCount(b, "response_bytes", int(e.ResponseBytes), e.ResponseBytes >= 0)
	b = appendPhases(b, e)
	b = j.enc.appendTextOrNull(b, "redirect", e.Redirect)
	b = j.enc.appendModule(b, e.Module)
	b = j.enc.appendError(b, e.Error)
	b = appendKey(b, "start")
	if e.Start == 0 {
		b = append(b, "null"...)
	} else {
		b = j.enc.appendTime(b, e.Start)
	}
	b = appendRetry(b, e.Retry)
	b = j.enc.appendTextOrNull(b, "via", e.Via)
	if e.Status/100 == 4 && e.Method != "" {
		b = appendBoolOrNull(b, "authorized", &e.Authorized)
	}
	b = j.enc.appendAnswer(b, &e.Answer)
	b = j.enc.appendGRPC(b, e.GRPC)
	if e.Latest != 0 {
		b = appendSpan(b, "silent_ms", e.Latest, max(e.Latest, e.ResponseEnd))
	}
	if e.TraceParent != "" {
		b = j.enc.appendText(b, "traceparent", string(e.TraceParent))
	}
	if role := roleName(e.Role); role != "" {
		b = appendText(b, "role", role)
	}
	if e.Open {
		b = append(b, `,"open":true`...)
	}
	b = append(b, '}')
	if j.filter.Exchanges.Set() && !j.filter.Exchanges.meetsLine(b[j.out.start:]) {
		j.out.kept = false
	}
	j.out.end(b)
}

// appendAnswer appends what the response says of itself.
func (s *screen) appendAnswer(b []byte, a *exchange.Answer) []byte {
	if a.RetryAfter != "" {
		b = s.appendText(b, "retry_after", a.RetryAfter)
	}
	if cache := a.Cache.String(); cache != "" {
		b = s.appendText(b, "cache", cache)
	}
	if a.Age != nil {
		b = appendIntOrNull(b, "age_s", a.Age)
	}
	if len(a.Timing) == 0 {
		return b
	}
	b = append(b, `,"server_timing":{`...)
	for i, m := range a.Timing {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendString(b, m.Name)
		b = strconv.AppendFloat(append(b, ':'), m.Millis, 'f', 3, 64)
	}
	return append(b, '}')
}

// appendGRPC appends the status and the message of a gRPC call.
func (s *screen) appendGRPC(b []byte, g *exchange.GRPC) []byte {
	if g == nil {
		return b
	}
	b = appendCount(b, "grpc_status", g.Status, g.Status >= 0)
	return s.appendTextOrNull(b, "grpc_message", g.Message)
}

// appendCount appends n, or null if it is not known.
func appendCount(b []byte, key string, n int, known bool) []byte {
	if !known {
		return append(appendKey(b, key), "null"...)
	}
	return appendIntOrNull(b, key, &n)
}

func appendReused(b []byte, r exchange.Reused) []byte {
	if r == exchange.ReusedUnknown {
		return appendBoolOrNull(b, "reused", nil)
	}
	yes := r == exchange.ReusedYes
	return appendBoolOrNull(b, "reused", &yes)
}

// appendPhases appends the times of an exchange. The phases of the connection are 0 if
// the exchange reused it.
func appendPhases(b []byte, e *Exchange) []byte {
	setup := [...]*time.Duration{e.DNS, e.Connect, e.Handshake}
	begin := e.Start
	for i, key := range [...]string{"dns_ms", "connect_ms", "tls_ms"} {
		d := setup[i]
		switch {
		case e.Reused == exchange.ReusedYes:
			d = new(time.Duration)
		case e.Reused == exchange.ReusedUnknown:
			d = nil
		case d != nil:
			begin = begin.Add(-*d)
		}
		b = appendMillisOrNull(b, key, d)
	}
	b = appendSpan(b, "send_ms", e.Start, e.RequestEnd)
	answer := e.Response
	switch {
	case e.Unanswered:
		answer = e.End
	case answer != 0:
		answer = max(answer, e.RequestEnd)
	}
	b = appendSpan(b, "wait_ms", e.RequestEnd, answer)
	b = appendSpan(b, "receive_ms", e.Response, e.ResponseEnd)
	if e.Start == 0 {
		begin = 0
	}
	b = appendSpan(b, "total_ms", begin, e.End)
	if e.Proto != exchange.HTTP2 && e.Proto != exchange.H2C {
		return append(b, `,"stall_ms":null`...)
	}
	b = append(b, `,"stall_ms":{"recv_window":`...)
	b = appendMillis(b, e.RecvStall)
	b = append(b, `,"send_window":`...)
	b = appendMillis(b, e.SendStall)
	return append(b, '}')
}

// appendSpan appends the duration between two times, or null if one of them is not
// known, or the clock of a capture was set back in between.
func appendSpan(b []byte, key string, from, to ktime.Time) []byte {
	if from == 0 || to < from {
		return appendMillisOrNull(b, key, nil)
	}
	d := to.Sub(from)
	return appendMillisOrNull(b, key, &d)
}

func (s *screen) appendModule(b []byte, m *Module) []byte {
	if m == nil {
		return append(b, `,"module":null`...)
	}
	b = append(b, `,"module":{"path":`...)
	b = s.appendStringOrNull(b, m.Path)
	b = s.appendTextOrNull(b, "version", m.Version)
	b = appendText(b, "kind", string(m.Kind))
	b = s.appendTextOrNull(b, "proxy", m.Proxy)
	b = s.appendTextOrNull(b, "next", m.Next)
	b = s.appendBarred(b, m.Barred)
	if m.Tail != "" {
		b = s.appendText(b, "tail", m.Tail)
	}
	if m.Credentials {
		b = append(b, `,"credentials":true`...)
	}
	return append(b, '}')
}

// appendBarred appends the entry of GOPROXY that the go command does not try because of
// a ",", if there is one.
func (s *screen) appendBarred(b []byte, entry string) []byte {
	if entry == "" {
		return b
	}
	return s.appendText(b, "barred", entry)
}

func appendRetry(b []byte, r *exchange.Retry) []byte {
	if r == nil {
		return append(b, `,"retry":null`...)
	}
	b = append(b, `,"retry":{"attempt":`...)
	b = strconv.AppendInt(b, int64(r.Attempt), 10)
	b = appendText(b, "conn", r.Conn)
	b = appendIntOrNull(b, "stream", &r.Stream)
	b = appendText(b, "class", string(r.Class))
	return append(b, '}')
}

func (s *screen) appendError(b []byte, e *exchange.Error) []byte {
	if e == nil {
		return append(b, `,"error":null`...)
	}
	b = append(b, `,"error":{"class":`...)
	b, _ = appendString(b, string(e.Class))
	b = s.appendTextOrNull(b, "detail", e.Detail)
	return append(b, '}')
}

// Stall prints a stall event.
func (j *JSONL) Stall(m Meta, s *exchange.Stall) {
	b, ok := j.begin(KindStall)
	if !ok {
		return
	}
	b = j.enc.appendMeta(b, &m, KindStall)
	b = appendIntOrNull(b, "stream", &s.Stream)
	side := "recv_window"
	if s.Side == decoder.Send {
		side = "send_window"
	}
	b = appendText(b, "side", side)
	b = appendCount(b, "window", int(s.Window), true)
	b = j.enc.appendTime(appendKey(b, "start"), s.Start)
	b = appendKey(b, "stall_ms")
	b = appendMillis(b, s.End.Sub(s.Start))
	b = appendText(b, "ended_by", s.By)
	j.out.end(append(b, '}'))
}
