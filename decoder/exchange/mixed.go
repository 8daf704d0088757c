package exchange

import "h2trace/decoder/ktime"

// Mixed says that client and server speak different versions of HTTP. Exchanges without a
// complete response fail by that, now and later.
func (t *Tracker) Mixed(at ktime.Time, detail string) {
	if t != nil {
		t.mixed = &Error{ClassProtocol, detail}
		t.fail(at, ClassProtocol, detail)
	}
}
