package report

import "time"

// windows holds the observed effects of flow control.
type windows struct {
	least  [len(windowKeys)]credit
	stalls [2]stalls // send, recv
}

type stalls struct {
	count  int64
	total  time.Duration
	window int64 // the largest
}

func (w *windows) frame(e *frameEvent) {
	for i, c := range e.window {
		if l := &w.least[i]; c.known && (!l.known || c.bytes < l.bytes) {
			*l = c
		}
	}
}

func (w *windows) stall(e *stallEvent) {
	side := &w.stalls[0]
	if e.recv {
		side = &w.stalls[1]
	}
	side.count++
	side.total += e.length
	side.window = max(side.window, e.window)
}

// handshakes sums up TLS handshakes.
type handshakes struct {
	count          int64
	took, verified time.Duration
}

// add adds a handshake, and the time to verify the certificate.
func (h *handshakes) add(took, verify time.Duration) {
	if took > 0 {
		h.count++
		h.took += took
		h.verified += verify
	}
}
