package trace

import (
	"slices"
	"time"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

const (
	// joinActive is how long after its last packet a connection keeps the probes that find
	// its keys, and joinWait how long one with traffic waits for them.
	joinActive = time.Second
	joinWait   = 5 * time.Second
	// aboveWait is how long one waits for the tls.Conn below the one that was found.
	aboveWait = 100 * time.Millisecond
	// maxSpots bounds the connections of which spots are known, and nothing else.
	maxSpots = 4096
	// spotKept is how long the keys that a spot brought are kept for a connection. After
	// that they are read from memory.
	spotKept = 10 * time.Second
	// maxJoins is how often the keys of a connection are taken: once more if none of them
	// opened a record, as the process may have changed them meanwhile.
	maxJoins = 3
)

// joining finds the keys of TLS connections that were open before, or whose handshake was
// before the probes of their process: a probe at their next Read or Write reports them.
// Until then their ciphertext waits.
type joining struct {
	kernel kernel
	probes *passingProbes
	conns  map[*tracedConn]*joint
	spots  map[uint64][]bpf.Spot // of connections that are not known yet
	kept   []keptKeys            // that spots brought, by time
	last   ktime.Time            // of the last tick
}

// keptKeys are keys that a spot brought.
type keptKeys struct {
	at    ktime.Time
	state *bpf.TLSState
}

func newJoining(k kernel) joining {
	none := newPassingProbes(noProbes{}, nil, func() []string { return nil })
	return joining{kernel: k, probes: none, conns: make(map[*tracedConn]*joint), spots: make(map[uint64][]bpf.Spot)}
}

// joins takes a TLS connection that was open before.
func (t *connTable) joins(c *tracedConn) {
	own := c.wire.tls
	delete(t.ciphers.awaited.conns, c)
	j := &t.ciphers.joining
	own.replace(tls.NewJoined(t.ciphers.budget, t.ciphers.sessions))
	own.heard = c.since
	own.joint = &joint{spots: j.spots[c.id]}
	delete(j.spots, c.id)
	j.await(c)
	j.join(c, c.since)
}

// joinsLate joins a connection that waits for a secret, if the process has a tls.Conn on
// it. Before it is late, it has to have been found with keys: else its handshake may go on.
func (t *tlsConn) joinsLate(now ktime.Time, late bool) {
	_, waits := t.WaitsSince()
	if !waits || len(t.spots) == 0 || !late && !slices.ContainsFunc(t.spots, func(s bpf.Spot) bool { return s.State != nil }) {
		return
	}
	delete(t.conn.table.ciphers.awaited.conns, t.conn)
	t.joint, t.spots = &joint{spots: t.spots, late: true}, nil
	t.AwaitJoin()
	j := &t.conn.table.ciphers.joining
	j.await(t.conn)
	j.join(t.conn, now)
}

// await has a connection wait for its keys.
func (j *joining) await(c *tracedConn) {
	n := c.wire.tls.joint
	j.conns[c] = n
	c.wire.tls.unopened.why = n.lacks()
	j.probes.Change()
}

// end takes what is known of a connection that ends, and forgets it.
func (j *joining) end(c *tracedConn, now ktime.Time) {
	n := c.wire.tls.joint
	n.waited = joinWait
	j.join(c, now)
	if j.conns[c] != nil {
		delete(j.conns, c)
		j.probes.Change()
	}
	n.wipe()
}

// joining reports whether a connection was open before, and its keys may be found yet, or
// are. Its header tables are copied meanwhile.
func (t *tlsConn) joining() bool { return t.joint != nil && !t.unopened.any() }

// tlsOn returns the TLS connection of a socket, also inside of one through an HTTP proxy.
func (t *connTable) tlsOn(conn uint64) *tracedConn {
	if c := t.byID[conn]; c != nil {
		return c
	}
	if carrier := t.byID[bpf.CarrierOf(conn)]; carrier != nil {
		return carrier.inner
	}
	return nil
}

// inTLS reports whether a connection is inside of TLS.
func (c *tracedConn) inTLS() bool {
	return c.outer != nil && (c.outer.wire == nil || c.outer.wire.tls != nil)
}

// spotted takes a tls.Conn on the socket of a connection.
func (t *connTable) spotted(s *bpf.Spot) {
	j := &t.ciphers.joining
	c := t.tlsOn(s.Conn)
	if s.State != nil {
		j.kept = append(j.kept, keptKeys{s.Time, s.State})
	}
	switch {
	case c == nil:
		if len(j.spots) >= maxSpots {
			j.wipe()
		}
		j.spots[s.Conn] = append(j.spots[s.Conn], *s)
	case c.wire == nil || c.wire.tls == nil || c.wire.tls.joint == nil && (c.wire.tls.over || c.inTLS()):
		forgetKeys(s.State)
	case c.wire.tls.joint == nil: // its secret may be missed
		c.wire.tls.spots = append(c.wire.tls.spots, *s)
		c.wire.tls.joinsLate(s.Time, false)
	default:
		n := c.wire.tls.joint
		n.spots = append(n.spots, *s)
		j.join(c, s.Time)
	}
}

// expire zeroes the keys that no connection has taken for long enough.
func (j *joining) expire(now ktime.Time) {
	n := 0
	for n < len(j.kept) && j.kept[n].at.Add(spotKept) < now {
		forgetKeys(j.kept[n].state)
		n++
	}
	j.kept = slices.Delete(j.kept, 0, n)
}

// wipe zeroes and forgets the keys of connections that are not known.
func (j *joining) wipe() {
	for _, list := range j.spots {
		forgetSpots(list)
	}
	clear(j.spots)
}

// join gives a connection its keys, if they are known by now, and the one inside of it.
func (j *joining) join(c *tracedConn, now ktime.Time) {
	n := c.wire.tls.joint
	lowest, above := n.lowest()
	if _, waits := j.conns[c]; waits && lowest != nil && (lowest.Direct || above != nil || n.waited > aboveWait) {
		j.take(c, lowest, now)
	}
	if in := c.inner; in != nil && above != nil && j.conns[in] != nil {
		j.take(in, above, now)
	}
}

// take joins a connection with the keys of a tls.Conn. They may not be there yet: then a
// later tick tries again.
func (j *joining) take(c *tracedConn, s *bpf.Spot, now ktime.Time) {
	state, n := s.State, c.wire.tls.joint
	if n.late && c.wire.tls.over { // its secret has come
		return
	}
	if !isWhole(state) {
		var err error
		if state, err = j.kernel.ReadTLS(s); err != nil {
			return
		}
	}
	defer forgetKeys(state)
	own := c.wire.tls
	own.known(state)
	if state.Unread != "" {
		j.fail(c, now, state.Unread)
		return
	}
	readers, err := readersOf(state)
	if err != nil {
		j.fail(c, now, err.Error())
		return
	}
	delete(j.conns, c)
	j.probes.Change()
	own.unopened.why = ""
	n.reads++
	for d, r := range readers {
		own.unopened.opens(c, decoder.Direction(d))
		own.Join(decoder.Direction(d), r)
	}
	own.decrypt()
}

// fail gives a connection up.
func (j *joining) fail(c *tracedConn, now ktime.Time, why string) {
	delete(j.conns, c)
	j.probes.Change()
	c.wire.tls.giveUp(now, why)
}

// rejoins has the keys of a connection read again, as none of them opened a record. It
// reports whether that may help.
func (t *tlsConn) rejoins() bool {
	n := t.joint
	if n == nil || t.over || t.Proven() {
		return false
	}
	n.missed = true
	if n.reads >= maxJoins {
		t.unopened.why = n.lacks()
		return false
	}
	t.conn.table.ciphers.joining.await(t.conn)
	return true
}

// tick takes keys that were not there before, gives up connections that have waited for
// too long, and attaches and detaches the probes.
func (j *joining) tick(now ktime.Time) error {
	passed := min(now.Sub(j.last), joinActive)
	j.last = now
	var active []*tracedConn // of many that are silent
	for c, n := range j.conns {
		switch {
		case n.late && c.wire.tls.over: // its secret has come
			c.wire.tls.unopened.why = ""
			delete(j.conns, c)
			n.wipe()
		case c.finished():
			delete(j.conns, c)
			n.wipe()
		case now.Sub(c.wire.tls.heard) < joinActive:
			active = append(active, c)
		}
	}
	slices.SortFunc(active, bySince)
	for _, c := range active {
		n := j.conns[c]
		if n == nil { // another one ended it
			continue
		}
		n.waited += passed
		carrier := c
		if c.inTLS() {
			carrier = c.outer
		}
		j.join(carrier, now)
		if j.conns[c] != nil && n.waited > joinWait {
			j.fail(c, now, n.lacks())
		}
	}
	j.probes.begin(len(active))
	over, err := j.probes.over(len(active))
	if over {
		j.probes.end()
	}
	return err
}
