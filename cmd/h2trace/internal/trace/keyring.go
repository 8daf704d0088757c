package trace

import (
	"slices"

	"h2trace/bpf"
)

const (
	// maxSessions bounds the handshakes whose secrets are kept for connections that are
	// not known yet, and maxSessionSecrets the secrets of each.
	maxSessions       = 1024
	maxSessionSecrets = 16
)

// random is the client random of a handshake (RFC 8446 §4.1.2). It identifies a
// session.
type random = [32]byte

// keyring joins the secrets of sessions with their connections. A secret may come before
// its connection, and one session may have two: both ends are observed.
type keyring struct {
	conns   map[random][]*tracedConn
	secrets map[random][]secret
	order   []random // of secrets, by time
}

type secret struct {
	label string
	value []byte
}

func newKeyring() keyring {
	return keyring{conns: make(map[random][]*tracedConn), secrets: make(map[random][]secret)}
}

// take keeps a secret, and returns its connections.
func (k *keyring) take(s *bpf.Secret) []*tracedConn {
	r := s.ClientRandom
	list, known := k.secrets[r]
	if !known {
		if len(k.order) >= maxSessions {
			k.drop(k.order[0])
		}
		k.order = append(k.order, r)
	}
	if len(list) < maxSessionSecrets {
		k.secrets[r] = append(list, secret{s.Label, slices.Clone(s.Secret)})
	}
	return k.conns[r]
}

// enter enters a connection, and returns its secrets so far.
func (k *keyring) enter(r random, c *tracedConn) []secret {
	k.conns[r] = append(k.conns[r], c)
	return k.secrets[r]
}

// leave forgets a connection. The last one takes its secrets with it.
func (k *keyring) leave(r random, c *tracedConn) {
	k.conns[r] = slices.DeleteFunc(k.conns[r], func(o *tracedConn) bool { return o == c })
	if len(k.conns[r]) == 0 {
		delete(k.conns, r)
		k.drop(r)
	}
}

// drop zeroes and forgets the secrets of a session.
func (k *keyring) drop(r random) {
	for _, s := range k.secrets[r] {
		clear(s.value)
	}
	delete(k.secrets, r)
	if i := slices.Index(k.order, r); i >= 0 {
		k.order = slices.Delete(k.order, i, i+1)
	}
}
