package exchange

import "h2trace/decoder/ktime"

// Mixed notes that client and server speak different versions of HTTP: what has no
// complete response fails by that, now and later.
func (t *Tracker) Mixed(at ktime.Time, detail string) {
	if t != nil {
		t.mixed = &Error{ClassProtocol, detail}
		t.fail(at, ClassProtocol, detail)
	}
}
