package trace

import (
	"h2trace/decoder"
	"h2trace/decoder/socks"
)

// preamble is what precedes the TLS of a connection: what a client and a SOCKS proxy
// say before their tunnel begins.
type preamble struct {
	begun  bool
	socks  *socks.Conn // nil without a proxy
	client decoder.Direction
}

// after returns b without what belongs to the preamble. b is not empty.
func (p *preamble) after(dir decoder.Direction, b []byte) []byte {
	if !p.begun {
		p.begun = true
		if b[0] == socks.Version {
			p.socks, p.client = socks.New(), dir
		}
	}
	switch {
	case p.socks == nil:
		return b
	case dir == p.client:
		return p.socks.Client(b)
	}
	return p.socks.Server(b)
}
