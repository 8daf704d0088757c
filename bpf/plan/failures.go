package plan

import (
	"errors"

	"h2trace/bpf/layout"
)

// HandshakeFailed is where (*Conn).handshakeContext of crypto/tls flushes the alert of a
// handshake that failed. A handshake that succeeds does not get there.
const HandshakeFailed Tap = "handshake_failed"

const (
	symHandshake = "crypto/tls.(*Conn).handshakeContext"
	symFlush     = "crypto/tls.(*Conn).flush"
)

// failures returns the place of HandshakeFailed: the only call of flush in its function,
// with the *tls.Conn in AX. Without symbols of both, with code that is damaged, and in a
// release whose tls.Conn is unknown, there is none.
func (e *executable) failures() ([]Site, error) {
	if layout.ReleasedTLS(e.goVersion) == nil {
		return nil, nil
	}
	f, err := e.function(symHandshake)
	flush, ok := e.symbols[symFlush]
	if _, damaged := errors.AsType[*NotTraceableError](err); damaged || f == nil && err == nil || !ok {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := f.decode()
	if err != nil {
		return nil, nil
	}
	calls := f.callsTo(list, flush.addr)
	if len(calls) != 1 {
		return nil, nil
	}
	return e.place(f, Site{Tap: HandshakeFailed, Kind: Flush, Addr: f.addr + calls[0]})
}
