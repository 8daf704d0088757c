package trace

import (
	"slices"
	"time"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

const (
	// maxSessions bounds the handshakes whose secrets are kept for connections that are
	// not known yet, and maxSessionSecrets the secrets of each.
	maxSessions       = 1024
	maxSessionSecrets = 16
	// secretKept is how long. A handshake may be on no connection that is seen.
	secretKept = 10 * time.Second
	// maxSessionConns bounds the connections of one handshake: both ends, and relays of
	// it. A client may send the same client random on many.
	maxSessionConns = 8
	// maxHandshakes bounds the handshakes of one connection whose secrets may still come.
	maxHandshakes = 8
)

// random is the client random of a handshake (RFC 8446 §4.1.2). It identifies a
// session.
type random = [32]byte

// keyring joins the secrets of sessions with their connections. A secret may come before
// its connection, and one session may have two: both ends are observed. A relay between
// them has connections with the same client random.
type keyring struct {
	conns   map[random][]*tracedConn
	secrets map[random][]secret
	order   []arrival   // of the first secret of each session, by time
	claims  []random    // of connections whose secrets are of no use, by time
	store   *tls.KeyLog // of a capture, else nil
	strays  uint64      // sessions without a connection, of which nothing is seen
	// elsewhere counts, by process, the connections that calls show from their start and
	// whose secrets are still to come.
	elsewhere map[int]int
}

type secret struct {
	pid   int // of the process that derived it
	label string
	value []byte
}

type arrival struct {
	at      ktime.Time
	random  random
	claimed bool // it had a connection, or is seen without packets
}

func newKeyring() keyring {
	return keyring{
		conns: make(map[random][]*tracedConn), secrets: make(map[random][]secret),
		elsewhere: make(map[int]int),
	}
}

// take keeps a secret, and returns the connections that it is for.
func (k *keyring) take(s *bpf.Secret) []*tracedConn {
	r := s.ClientRandom
	list, known := k.secrets[r]
	if !known {
		if len(k.order) >= maxSessions {
			k.drop(k.order[0].random)
		}
		k.order = append(k.order, arrival{s.Time, r, k.claimed(r) || k.isElsewhere(s.PID)})
	}
	if len(list) < maxSessionSecrets {
		k.secrets[r] = append(list, secret{s.PID, s.Label, slices.Clone(s.Secret)})
	}
	own := k.of(r, s.PID)
	if len(own) == 0 { // another process has given it the socket
		return slices.Clone(k.conns[r])
	}
	return own
}

// isElsewhere reports whether the next session of a process is that of a connection that
// calls show.
func (k *keyring) isElsewhere(pid int) bool {
	n := k.elsewhere[pid]
	if n > 1 {
		k.elsewhere[pid] = n - 1
	} else {
		delete(k.elsewhere, pid)
	}
	return n > 0
}

// of returns the connections of a session that a process has.
func (k *keyring) of(r random, pid int) (own []*tracedConn) {
	for _, c := range k.conns[r] {
		if c.meta.PID == pid {
			own = append(own, c)
		}
	}
	return own
}

// enter enters a connection, and returns its secrets so far.
func (k *keyring) enter(r random, c *tracedConn) (secrets []secret) {
	list := k.conns[r]
	if len(list) >= maxSessionConns {
		list = slices.Delete(list, 0, 1)
	}
	k.conns[r] = append(list, c)
	if i := k.index(r); i >= 0 {
		k.order[i].claimed = true
	}
	for label, value := range k.store.Of(r) {
		secrets = append(secrets, secret{label: label, value: slices.Clone(value)})
	}
	for _, s := range k.secrets[r] {
		if s.pid == c.meta.PID || len(k.of(r, s.pid)) == 0 {
			secrets = append(secrets, s)
		}
	}
	return secrets
}

// leave forgets a connection. The last one takes its secrets with it.
func (k *keyring) leave(r random, c *tracedConn) {
	list, ok := k.conns[r]
	if !ok {
		return
	}
	k.conns[r] = slices.DeleteFunc(list, func(o *tracedConn) bool { return o == c })
	if len(k.conns[r]) == 0 {
		delete(k.conns, r)
		k.drop(r)
	}
}

// expire drops the secrets that were kept for long enough.
func (k *keyring) expire(now ktime.Time) {
	for len(k.order) > 0 && k.order[0].at.Add(secretKept) < now {
		k.drop(k.order[0].random)
	}
}

// drop zeroes and forgets the secrets of a session.
func (k *keyring) drop(r random) {
	for _, s := range k.secrets[r] {
		clear(s.value)
	}
	delete(k.secrets, r)
	if i := k.index(r); i >= 0 {
		if !k.order[i].claimed {
			k.strays++
		}
		k.order = slices.Delete(k.order, i, i+1)
	}
}

// unclaimed returns the processes of sessions without a connection that began before a
// kernel time.
func (k *keyring) unclaimed(before ktime.Time) (pids []int) {
	for _, a := range k.order {
		if a.at >= before {
			break
		}
		if pid := k.secrets[a.random][0].pid; !a.claimed && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// claim notes that a session has a connection. Its secrets may come later.
func (k *keyring) claim(r random) {
	if i := k.index(r); i >= 0 {
		k.order[i].claimed = true
	}
	if slices.Contains(k.claims, r) {
		return
	}
	if len(k.claims) >= maxSessions {
		k.claims = slices.Delete(k.claims, 0, 1)
	}
	k.claims = append(k.claims, r)
}

// claimed reports whether a session has a connection, before its first secret.
func (k *keyring) claimed(r random) bool {
	return len(k.conns[r]) > 0 || slices.Contains(k.claims, r)
}

// index returns where a session is in order, or -1.
func (k *keyring) index(r random) int {
	return slices.IndexFunc(k.order, func(a arrival) bool { return a.random == r })
}

// wipe zeroes and forgets all secrets.
func (k *keyring) wipe() {
	for len(k.order) > 0 {
		k.drop(k.order[0].random)
	}
}
