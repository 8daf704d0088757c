package bpf

import (
	"fmt"

	"h2trace/bpf/layout"
)

// Labels of secrets, as in a key log file (RFC 9850): the master secret of TLS 1.2, and
// the secrets of TLS 1.3 that open records.
const (
	LabelMaster          = "CLIENT_RANDOM"
	LabelClientHandshake = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
	LabelServerHandshake = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
	LabelClientTraffic   = "CLIENT_TRAFFIC_SECRET_0"
	LabelServerTraffic   = "SERVER_TRAFFIC_SECRET_0"
)

// Secret is what a handshake of crypto/tls, or of a fork, derived. ClientRandom is that
// of its ClientHello. The two sides of a connection report the same secrets, and one
// side may report a secret twice. Label is one of the above, or "" for another one, and
// where it could not be read. Secret is valid until the next Read.
type Secret struct {
	Head
	Generation   Generation
	Label        string
	ClientRandom [32]byte
	Secret       []byte
}

// Wipe zeroes the bytes of the secret. The caller does so once it has its own copy:
// otherwise they stay in the memory of the Reader.
func (s *Secret) Wipe() { clear(s.Secret) }

// Format writes what may be in a log: not the secret.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s of process %d", s.Label, s.PID)
}

// Spot is a *tls.Conn on the socket of a connection whose bytes come from packets, when
// the process reads from it or writes to it for the first time. The socket of an HTTP proxy
// may have another one inside of the first.
type Spot struct {
	Head
	Generation Generation
	Ptr        uint64
	// Direct says that its net.Conn is the *net.TCPConn itself. Else it may be another
	// tls.Conn, whose address is State.Below.
	Direct bool
	// State is what its memory held then, nil if that makes no sense. Whoever takes it
	// wipes it.
	State  *TLSState
	layout *layout.TLS
}

// TLSState is what the memory of a process holds of a connection of crypto/tls after its
// handshake.
type TLSState struct {
	Role            Role
	Version, Cipher uint16
	Resumed         bool
	ALPN, SNI       string
	Keys            [2]TLSKeys // by direction
	Below           uint64     // the pointer in its net.Conn
	// Unread is why Keys are not read, "" if they are.
	Unread string
}

// TLSKeys open the records of a direction: of TLS 1.3 by the traffic secret, of TLS 1.2 by
// the key and the IV that package record wants.
type TLSKeys struct {
	Secret, Key, IV []byte
	Number          uint64 // of the next record
}

// Wipe zeroes the keys.
func (s *TLSState) Wipe() {
	for d := range s.Keys {
		clear(s.Keys[d].Secret)
		clear(s.Keys[d].Key)
		clear(s.Keys[d].IV)
	}
}
