package export

import "h2trace/decoder/exchange"

// Request is the beginning of an exchange: the header section of its request.
type Request struct {
	*exchange.Exchange
	// Module and Via are as in Exchange.
	Module *Module
	Via    string
}

// Request prints a request event.
func (j *JSONL) Request(m Meta, r *Request) {
	b, ok := j.begin(KindRequest)
	if !ok {
		return
	}
	b = j.enc.appendMeta(b, &m, KindRequest)
	b = appendIntOrNull(b, "stream", &r.Stream)
	b = j.enc.appendTextOrNull(b, "method", r.Method)
	b = j.enc.appendTextOrNull(b, "url", r.URL)
	b = appendText(b, "protocol", r.Proto.String())
	b = appendReused(b, r.Reused)
	b = j.enc.appendModule(b, r.Module)
	b = j.enc.appendTextOrNull(b, "via", r.Via)
	j.out.end(append(b, '}'))
}
