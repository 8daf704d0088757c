package export

import "h2trace/decoder/exchange"

// Request is the beginning of an exchange: the head of its request.
type Request struct {
	*exchange.Exchange
	// Module and Via are as in Exchange.
	Module *Module
	Via    string
}

// Request prints a request event.
func (j *JSONL) Request(m Meta, r *Request) {
	if j.filter.hidden[KindRequest] {
		return
	}
	b, ok := j.out.begin()
	if !ok {
		return
	}
	b = j.appendMeta(b, &m, KindRequest)
	b = appendIntOrNull(b, "stream", &r.Stream)
	b = appendTextOrNull(b, "method", r.Method)
	b = j.appendURL(b, "url", r.URL)
	b = appendText(b, "protocol", r.Proto.String())
	b = appendReused(b, r.Reused)
	b = appendModule(b, r.Module)
	b = appendTextOrNull(b, "via", r.Via)
	j.out.end(append(b, '}'))
}
