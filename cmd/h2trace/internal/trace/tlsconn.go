package trace

import (
	stdtls "crypto/tls"
	"slices"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/clienthello"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
	"h2trace/decoder/tls"
	"h2trace/export"
)

// maxCiphertext bounds the ciphertext of all connections that waits for its secret.
const maxCiphertext = 64 << 20

// ciphers is what the TLS connections that arrive as segments share.
type ciphers struct {
	wanted   bool   // TLS is opened here, also inside of other connections
	sealed   uint64 // connections that were not opened
	budget   *tls.Budget
	sessions *tls.Sessions
	keys     keyring
	awaited  awaited
	failing  failing
	joining  joining
	// byCalls reports whether what the TLS of a process carries comes from its calls.
	byCalls func(pid int) bool
	// pending reports whether probes are still to be attached to what a process runs.
	pending func(pid int) bool
}

func newCiphers(k kernel) ciphers {
	return ciphers{
		budget: tls.NewBudget(maxCiphertext), sessions: tls.NewSessions(), keys: newKeyring(), awaited: newAwaited(),
		joining: newJoining(k), byCalls: func(int) bool { return false }, pending: func(int) bool { return false },
	}
}

// expire gives up what has waited for too long: secrets, connections for theirs, and failed
// handshakes for the error of the process.
func (s *ciphers) expire(now ktime.Time) {
	s.keys.expire(now)
	s.awaited.expire(now)
	s.failing.expire(now)
	s.joining.expire(now)
}

// wipe zeroes and forgets all secrets that belong to no connection.
func (s *ciphers) wipe() {
	s.keys.wipe()
	s.joining.wipe()
	s.sessions.Wipe()
}

// tlsConn is the TLS of a connection that arrives as segments.
type tlsConn struct {
	*tls.Conn
	conn      *tracedConn
	randoms   []random // of its ClientHellos, entered in the keyring
	over      bool     // the handshake is
	failure   failure  // of the handshake
	uncounted bool     // some plaintext is missing, and nobody knows how much
	holed     bool     // some ciphertext is missing
	elsewhere bool     // what it carries comes from calls
	heard     ktime.Time
	joint     *joint     // nil unless it was open before, or its secret does not come
	spots     []bpf.Spot // without a joint: where its keys are if its secret does not come
	tunnel    bool       // its plaintext is that of the connection inside
	unopened  unopened
	// ownEnd and peerEnded say who has ended the connection by an alert; the peer without
	// being asked.
	ownEnd, peerEnded bool
	preamble          preamble
}

func newTLSConn(c *tracedConn, opener *tls.Conn) *tlsConn {
	t := &tlsConn{conn: c}
	t.replace(opener)
	return t
}

// replace makes another Conn open the records.
func (t *tlsConn) replace(opener *tls.Conn) {
	t.Conn = opener
	opener.Unread = t.unread
}

// counted reports whether the number of bytes of plaintext is known.
func (t *tlsConn) counted() bool { return !t.uncounted && !t.unopened.any() }

// encrypted takes the next bytes of a TLS stream.
func (t *tlsConn) encrypted(at ktime.Time, dir decoder.Direction, b []byte) {
	t.heard = max(t.heard, at)
	if t.joint == nil {
		b = t.preamble.after(dir, b)
	}
	if len(b) > 0 {
		t.Data(at, dir, b)
		t.decrypt()
	}
}

// ciphertextMissing takes a hole in a TLS stream.
func (t *tlsConn) ciphertextMissing(at ktime.Time, dir decoder.Direction, n uint64, why tcp.Cause) {
	c := t.conn
	if why == tcp.Overrun { // no record is missing, but they are of no use
		c.decoder.Note(max(at, c.latest), overrunNote{at, n})
	}
	t.hole(at, dir, int64(n))
}

// hole takes that n bytes of a TLS stream are missing. How many of plaintext shows when a
// later record opens; until then, what the other direction says may refer to them.
func (t *tlsConn) hole(at ktime.Time, dir decoder.Direction, n int64) {
	c := t.conn
	t.holed = true
	c.decoder.Missed(dir)
	t.Missing(at, dir, n)
	t.decrypt()
}

// ciphertextLost brings a TLS stream up to the total of the kernel, n bytes further.
func (t *tlsConn) ciphertextLost(at ktime.Time, dir decoder.Direction, n int64, loss lossNote) {
	c := t.conn
	if loss.records > 0 {
		c.announceLoss(at, loss.records, loss.bytes, loss.why)
	}
	if n > 0 {
		t.hole(at, dir, n)
	}
}

// decrypt decodes what the TLS of a connection has opened.
func (t *tlsConn) decrypt() {
	for e := t.Next(); e != nil; e = t.Next() {
		switch e := e.(type) {
		case *tls.Plaintext:
			t.opened(e.At, e.Dir, e.Data)
		case *tls.Passed:
			t.passedOver(e.At, e.Dir, e.N)
		case *tls.Missing:
			t.plaintextMissing(e)
		case *tls.Offered:
			t.offered(e)
		case *tls.Established:
			t.established()
		case *tls.Alert:
			t.alerted(e)
		case *tls.Unopened:
			t.notOpened(e)
		}
		t.conn.usePlaced()
	}
	t.conn.usePlaced()
}

// opened decodes plaintext. Its handshake is over, even if the end of that is missing.
func (t *tlsConn) opened(at ktime.Time, dir decoder.Direction, b []byte) {
	c := t.conn
	t.unopened.opens(c, dir)
	if !t.over {
		t.over = true
		t.wipeSpots()
		if c.missing != nil {
			c.askMissing(true)
		}
	}
	t.reached(at, dir, len(b))
	if t.holds(at, b) {
		c.inner.wire.at[dir] += uint64(len(b))
		c.inner.wire.tls.encrypted(at, dir, b)
		return
	}
	c.decoder.Data(c.latest, dir, b)
	c.decoded()
	c.given()
}

// reached notes that the next n bytes of plaintext came.
func (t *tlsConn) reached(at ktime.Time, dir decoder.Direction, n int) {
	t.conn.wire.sinks[dir].comes(at)
	t.conn.next[dir].offset += uint64(n)
}

// unread returns how many of the next bytes of plaintext say nothing.
func (t *tlsConn) unread(dir decoder.Direction) int64 {
	if t.tunnel || t.conn.inner != nil {
		return 0
	}
	return t.conn.decoder.Unread(dir)
}

// passedOver takes plaintext that was not opened.
func (t *tlsConn) passedOver(at ktime.Time, dir decoder.Direction, n int64) {
	c := t.conn
	t.reached(at, dir, int(n))
	c.decoder.Skip(c.latest, dir, n)
	c.decoded()
}

// plaintextMissing decodes that plaintext is missing.
func (t *tlsConn) plaintextMissing(m *tls.Missing) {
	c := t.conn
	if t.joint != nil {
		t.joint.missed = true
	}
	n := m.Plaintext
	if n == 0 {
		c.latest = max(m.At, c.latest)
		return
	}
	c.wire.sinks[m.Dir].comes(m.At)
	if n < 0 {
		t.uncounted = true
	} else {
		c.next[m.Dir].offset += uint64(n)
	}
	if n > 0 && t.tunnel {
		c.inner.wire.tls.hole(c.latest, m.Dir, n)
		return
	}
	c.decoder.GapAtMost(c.latest, m.Dir, n) // some records may have held none
	c.goOn()
	c.table.wantTables(c)
}

// offered takes a ClientHello, and the secrets that came before it.
func (t *tlsConn) offered(o *tls.Offered) {
	c := t.conn
	if c.event.Offer == nil {
		c.event.Offer = offerOf(clienthello.Of(o.Hello))
		if c.event.Role == decoder.RoleUnknown {
			role := decoder.Client
			if o.Dir == decoder.Recv {
				role = decoder.Server
			}
			c.isOf(role)
		}
	}
	keys := &c.table.ciphers.keys
	if len(t.randoms) >= maxHandshakes {
		keys.leave(t.randoms[0], c)
		t.randoms = slices.Delete(t.randoms, 0, 1)
	}
	t.randoms = append(t.randoms, o.Hello.Random)
	for _, s := range keys.enter(o.Hello.Random, c) {
		t.Secret(s.label, o.Hello.Random, s.value)
	}
}

// wipeSpots zeroes the keys that are of no use any more.
func (t *tlsConn) wipeSpots() {
	forgetSpots(t.spots)
	t.spots = nil
}

// established takes the end of a handshake. A renegotiation changes nothing of what is
// printed.
func (t *tlsConn) established() {
	c := t.conn
	if t.over {
		return
	}
	t.over = true
	t.wipeSpots()
	info := t.Info()
	c.event.Handshake = elapsed(info.Start, info.End)
	t.agreed(info)
}

// agreed notes what a handshake agreed on.
func (t *tlsConn) agreed(info *tls.Info) {
	c := t.conn
	c.event.TLS = &export.TLS{
		Version: stdtls.VersionName(info.Version), ALPN: info.ALPN, Resumed: new(info.Resumed),
		Cipher: stdtls.CipherSuiteName(info.Suite),
	}
	if c.event.Offer != nil {
		c.event.TLS.SNI = c.event.Offer.SNI
	}
	if info.Certificate != nil {
		c.event.TLS.Issuer, c.event.TLS.PublicIssuer = info.Certificate.Issuer, info.Public
	}
	// At a server the time spans a round trip.
	if took, ok := info.Check(); ok && c.event.Role == decoder.Client {
		c.event.TLS.Verify = &took
	}
}

// end ends the TLS of a connection, and forgets its secrets.
func (t *tlsConn) end(at ktime.Time) {
	c := t.conn
	t.joinsLate(at, false)
	if t.joint != nil {
		c.table.ciphers.joining.end(c, at)
	}
	t.wipeSpots()
	t.Close(at)
	t.decrypt()
	if t.inVain() && !t.unopened.any() {
		t.giveUp(at, t.joint.lacks())
	}
	for _, random := range t.randoms {
		c.table.ciphers.keys.leave(random, c)
	}
}

// secret takes a session secret.
func (t *connTable) secret(s *bpf.Secret) {
	for _, c := range t.ciphers.keys.take(s) {
		if !c.finished() { // what another one decoded may end it
			c.wire.tls.Secret(s.Label, s.ClientRandom, s.Secret)
			c.wire.tls.decrypt()
		}
	}
	s.Wipe()
}

// known notes what the memory of a process holds of a connection that was open before.
func (t *tlsConn) known(s *bpf.TLSState) {
	c := t.conn
	c.event.TLS = &export.TLS{
		Version: stdtls.VersionName(s.Version), ALPN: s.ALPN, SNI: s.SNI, Resumed: new(s.Resumed),
		Cipher: stdtls.CipherSuiteName(s.Cipher),
	}
	if c.event.Role == decoder.RoleUnknown {
		c.isOf(roleOf(s.Role))
		c.table.sockets.enter(c)
	}
}
