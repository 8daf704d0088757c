package trace

import (
	"errors"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
	"h2trace/decoder/tls/record"
)

const (
	// spotRest is how long the probes of an attach stay for connections without traffic.
	spotRest = time.Second
	// spotActive is how long after its last packet a connection keeps the probes.
	spotActive = time.Second
	// joinWait is how long a connection with traffic waits for its keys.
	joinWait = 5 * time.Second
	// maxSpots bounds the spots of connections that are not known yet.
	maxSpots = 4096
	// maxJoins is how often the keys of a connection are read: once more if it has changed
	// them meanwhile.
	maxJoins = 3
)

// joining finds the keys of TLS connections that were open before: a probe at their next
// Read or Write tells where the process has them. Until then their ciphertext waits.
type joining struct {
	kernel kernel
	probes spotProbes // nil where there are none
	msg    *message.Printer
	paths  func() []string // of the executables that targets run

	conns   map[*tracedConn]*joint
	spots   map[uint64]bpf.Spot // of connections that are not known yet
	on      bool                // the probes are attached, or about to be
	resting bool                // for connections that were not heard of yet
	until   ktime.Time          // the end of that, 0 before the first tick
	last    ktime.Time          // of the last tick
	working chan struct{}       // closed when the last begin or end is done
}

// joint is a connection that waits for its keys.
type joint struct {
	spot   *bpf.Spot // nil until it is known
	waited time.Duration
	reads  int
}

func newJoining(k kernel) joining {
	done := make(chan struct{})
	close(done)
	return joining{
		kernel: k, working: done,
		conns: make(map[*tracedConn]*joint), spots: make(map[uint64]bpf.Spot),
	}
}

// use sets the probes, which report to msg what goes wrong in the background.
func (j *joining) use(p spotProbes, msg *message.Printer, paths func() []string) {
	j.probes, j.msg, j.paths = p, msg, paths
}

// await attaches the probes for processes that already run. Their connections are not
// known yet.
func (j *joining) await() error {
	if j.probes == nil {
		return nil
	}
	j.on, j.resting = true, true
	return j.probes.Begin(nil)
}

// joins takes a TLS connection that was open before.
func (t *connTable) joins(c *tracedConn) {
	tc := c.wire.tls
	delete(t.ciphers.awaited.conns, c)
	if t.ciphers.byCalls(c.meta.PID) {
		tc.elsewhere = true
		c.wantNothing()
		t.requests.left = append(t.requests.left, c.id) // the kernel wants its first tables
		return
	}
	tc.Conn = tls.NewJoined(t.ciphers.budget, t.ciphers.sessions)
	tc.heard = c.since
	j := &t.ciphers.joining
	n := &joint{}
	j.conns[c] = n
	if spot, ok := j.spots[c.id]; ok {
		delete(j.spots, c.id)
		n.spot = &spot
	}
}

// isTLSElsewhere reports whether probes report what a connection carries.
func (c *tracedConn) isTLSElsewhere() bool {
	return c.wire != nil && c.wire.tls != nil && c.wire.tls.elsewhere
}

// joining reports whether a connection was open before, and its keys may be found yet, or
// are. Its header tables are copied meanwhile.
func (t *tlsConn) joining() bool {
	return t.joint != nil || t.conn.table.ciphers.joining.conns[t.conn] != nil
}

// spotted takes where a process has the *tls.Conn of a connection.
func (t *connTable) spotted(s *bpf.Spot) {
	j := &t.ciphers.joining
	c := t.byID[s.Conn]
	if c == nil {
		if len(j.spots) >= maxSpots {
			clear(j.spots)
		}
		j.spots[s.Conn] = *s
		return
	}
	if n := j.conns[c]; n != nil {
		spot := *s
		n.spot = &spot
		j.read(c, n, s.Time)
	}
}

// read joins a connection with the keys in the memory of its process. They may not be
// there yet, or change: then a later tick tries again.
func (j *joining) read(c *tracedConn, n *joint, now ktime.Time) {
	state, err := j.kernel.ReadTLS(n.spot)
	switch {
	case errors.Is(err, bpf.ErrNoTLSState), errors.Is(err, bpf.ErrTLSMoving):
		return
	case err != nil:
		j.fail(c, now, err.Error())
		return
	}
	defer state.Wipe()
	t := c.wire.tls
	t.known(state)
	if state.Unread != "" {
		j.fail(c, now, state.Unread)
		return
	}
	var readers [2]*record.Reader
	for d := range readers {
		if readers[d], err = readerOf(state, &state.Keys[d]); err != nil {
			j.fail(c, now, err.Error())
			return
		}
	}
	delete(j.conns, c)
	t.joint = n
	n.reads++
	for d, r := range readers {
		t.Join(decoder.Direction(d), r)
	}
	t.decrypt()
}

// readerOf returns the Reader of a direction.
func readerOf(s *bpf.TLSState, k *bpf.TLSKeys) (r *record.Reader, err error) {
	suite, _ := record.SuiteByID(s.Cipher)
	if len(k.Secret) > 0 {
		r, err = record.NewTLS13(suite, k.Secret)
	} else {
		r, err = record.NewKey(record.Version(s.Version), suite, k.Key, k.IV)
	}
	if err == nil {
		r.SetNumber(k.Number)
	}
	return r, err
}

// fail gives a connection up.
func (j *joining) fail(c *tracedConn, now ktime.Time, why string) {
	delete(j.conns, c)
	c.wire.tls.giveUp(now, why)
}

// tick reads keys that were not there before, gives up connections that have waited for
// too long, and attaches and detaches the probes.
func (j *joining) tick(now ktime.Time) {
	passed := now.Sub(j.last)
	j.last = now
	active := false
	for c, n := range j.conns {
		if c.finished() {
			delete(j.conns, c)
			continue
		}
		if n.spot != nil {
			j.read(c, n, now)
		}
		if j.conns[c] == nil || now.Sub(c.wire.tls.heard) > spotActive {
			continue
		}
		active = true
		if n.waited += min(passed, spotActive); n.waited > joinWait {
			j.fail(c, now, "open before, and its keys were not found")
		}
	}
	j.attach(now, active)
}

// attach attaches the probes for connections with traffic, and detaches them when there is
// none.
func (j *joining) attach(now ktime.Time, active bool) {
	if j.resting {
		if j.until == 0 {
			j.until = now.Add(spotRest)
		}
		j.resting = now < j.until
	}
	select {
	case <-j.working:
	default:
		return
	}
	if j.probes == nil {
		return
	}
	switch wanted := active || j.resting; {
	case wanted && !j.on:
		paths := j.paths()
		j.work(func() error { return j.probes.Begin(paths) })
	case !wanted && j.on:
		j.work(j.probes.End)
	default:
		return
	}
	j.on = !j.on
}

// work runs f in the background, as it takes milliseconds.
func (j *joining) work(f func() error) {
	done := make(chan struct{})
	j.working = done
	go func() {
		defer close(done)
		if err := f(); err != nil {
			j.msg.Errorf("%v", err)
		}
	}()
}

// wait waits for the last begin or end.
func (j *joining) wait() { <-j.working }

// rejoins has the keys of a connection read again, as none of them opened a record. It
// reports whether that may help.
func (t *tlsConn) rejoins() bool {
	n := t.joint
	if n == nil || t.over || n.reads >= maxJoins {
		return false
	}
	t.conn.table.ciphers.joining.conns[t.conn] = n
	return true
}
