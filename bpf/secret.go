package bpf

import (
	"errors"
	"fmt"
	"unsafe"
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

// parse takes over the sample: an error leaves no secret in it.
func (s *Secret) parse(head Head, sample []byte) error {
	raw, err := view[probesSecretRecord](sample, int(unsafe.Sizeof(probesSecretRecord{})))
	if err == nil && (raw.LabelLen == 0 || int(raw.LabelLen) > len(raw.Label) || int(raw.SecretLen) > len(raw.Secret)) {
		err = errors.New("lengths out of range")
	}
	if err != nil {
		clear(sample)
		return fmt.Errorf("secret record: %w", err)
	}
	*s = Secret{
		Head:         head,
		Generation:   Generation(raw.Generation),
		ClientRandom: raw.Random,
		Secret:       raw.Secret[:raw.SecretLen],
	}
	label, process := raw.Label[:raw.LabelLen], memory{head.PID}
	if raw.LabelMissing == 0 || process.read(label, raw.LabelPtr) == nil {
		s.Label = labelOf(label)
	}
	return nil
}

// labelOf returns a label as one of the above, or "". It allocates nothing.
func labelOf(b []byte) string {
	for _, label := range [...]string{
		LabelMaster, LabelClientHandshake, LabelServerHandshake, LabelClientTraffic, LabelServerTraffic,
	} {
		if string(b) == label {
			return label
		}
	}
	return ""
}
