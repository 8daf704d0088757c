package tls

// The labels of secrets, as key logs name them (RFC 9850).
const (
	labelMaster            = "CLIENT_RANDOM"
	labelClientHandshake   = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
	labelServerHandshake   = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
	labelClientApplication = "CLIENT_TRAFFIC_SECRET_0"
	labelServerApplication = "SERVER_TRAFFIC_SECRET_0"
)

// secrets are the session secrets of a connection.
type secrets struct{ list []secret }

type secret struct {
	label  string
	random [32]byte // of the ClientHello
	value  []byte
}

// add keeps a copy of a secret, and reports whether it is new. Labels that no record is
// opened with are ignored.
func (l *secrets) add(label string, random [32]byte, value []byte) bool {
	switch label {
	case labelMaster, labelClientHandshake, labelServerHandshake, labelClientApplication, labelServerApplication:
	default:
		return false
	}
	if len(value) == 0 {
		return false
	}
	same := 0
	for i := range l.list {
		s := &l.list[i]
		if s.label != label || s.random != random {
			continue
		}
		if same++; same == maxSecrets || string(s.value) == string(value) {
			return false
		}
	}
	if len(l.list) == maxAllSecrets {
		clear(l.list[0].value)
		l.list = append(l.list[:0], l.list[1:]...)
	}
	l.list = append(l.list, secret{label, random, append([]byte(nil), value...)})
	return true
}

// of returns the secrets of a label, in the order in which they came.
func (l *secrets) of(label string, random [32]byte) (values [][]byte) {
	for i := range l.list {
		if s := &l.list[i]; s.label == label && s.random == random {
			values = append(values, s.value)
		}
	}
	return values
}

// wipe zeroes and drops the secrets.
func (l *secrets) wipe() {
	for i := range l.list {
		clear(l.list[i].value)
	}
	l.list = nil
}
