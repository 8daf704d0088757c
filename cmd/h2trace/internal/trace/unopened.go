package trace

import (
	"cmp"
	"slices"
	"time"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// secretWait is how long ciphertext waits for its secret. crypto/tls knows a secret
// before it sends what that protects, but what a peer sends comes before: the process may
// be stopped, or get no CPU.
const secretWait = 5 * time.Second

// unopened says which directions of a TLS connection are not opened, and why.
type unopened struct {
	dirs   [2]bool
	reason tls.Reason // of the first one
	why    string     // "", or the reason in other words
}

// opens takes that a direction is opened after all, or will be.
func (u *unopened) opens(c *tracedConn, dir decoder.Direction) {
	if !u.dirs[dir] {
		return
	}
	u.dirs[dir] = false
	if !u.any() {
		c.event.Reason = ""
	}
}

func (u *unopened) any() bool { return u.dirs[bpf.Send] || u.dirs[bpf.Recv] }

// isTLS reports whether a connection looks like TLS so far.
func (t *tlsConn) isTLS() bool {
	return !t.elsewhere && (!t.unopened.any() || t.unopened.reason != tls.NotTLS)
}

// notOpened takes that nothing more of a direction can be opened. If that is so of
// both, the kernel need not copy them.
func (t *tlsConn) notOpened(e *tls.Unopened) {
	c := t.conn
	u := &t.unopened
	if e.Reason == tls.NotTLS && len(t.randoms) > 0 { // an answer to TLS
		t.fails(e.At, "first record does not look like a TLS handshake", certain)
		c.wantNothing()
		return
	}
	if e.Reason == tls.OutOfStep && t.rejoins() {
		return
	}
	if !u.any() {
		u.reason = e.Reason
	}
	u.dirs[e.Dir] = true
	c.event.Reason = "not decrypted: " + cmp.Or(u.why, u.reason.String())
	if info := t.Info(); c.event.TLS == nil && info.Version != 0 {
		t.agreed(info)
	}
	if u.dirs[bpf.Send] && u.dirs[bpf.Recv] {
		c.wantNothing()
	}
}

// wantNothing has the kernel copy no more bytes of a connection. Those of one inside of
// another are not known to it.
func (c *tracedConn) wantNothing() {
	if c.outer == nil {
		c.want.Nothing = true
		c.askPayload()
		c.table.recovery.leave(c)
	}
}

// lookInterval is how often everything else is looked at that is no record.
const lookInterval = 100 * time.Millisecond

// awaited holds the TLS connections whose handshake is not over. Thousands may be half
// open.
type awaited struct {
	conns map[*tracedConn]struct{}
	next  ktime.Time // when to look at them
}

func newAwaited() awaited { return awaited{conns: make(map[*tracedConn]struct{})} }

// expire gives up those that have waited too long for a secret.
func (w *awaited) expire(now ktime.Time) {
	if now < w.next {
		return
	}
	w.next = now.Add(lookInterval)
	var waiting []*tracedConn
	for c := range w.conns {
		_, waits := c.wire.tls.WaitsSince()
		switch {
		case c.finished() || c.wire.tls.over || c.wire.tls.unopened.any():
			delete(w.conns, c)
		case waits:
			waiting = append(waiting, c)
		}
	}
	slices.SortFunc(waiting, bySince)
	for _, c := range waiting {
		since, waits := c.wire.tls.WaitsSince()
		switch late := since.Add(secretWait) < now; {
		case !waits: // what another one decoded has changed that
		case len(c.wire.tls.spots) > 0:
			c.wire.tls.joinsLate(now, late)
		case late:
			c.wire.tls.GiveUp(now)
			c.wire.tls.decrypt()
		}
	}
}

// ciphertextBytes returns the bytes of TCP in both directions of a connection of which
// nothing is opened, or nil.
func (p *printer) ciphertextBytes() *[2]uint64 {
	if p.wire == nil || p.wire.tls == nil || !p.wire.tls.unopened.any() || p.fed.decoder.Decided() {
		return nil
	}
	return &p.wire.at
}

// giveUp gives up a connection that was open before, for a reason.
func (t *tlsConn) giveUp(now ktime.Time, why string) {
	t.unopened.why = why
	t.Close(now)
	t.decrypt()
	for d := range t.unopened.dirs {
		t.notOpened(&tls.Unopened{At: now, Dir: decoder.Direction(d), Reason: tls.NoSecret})
	}
}
