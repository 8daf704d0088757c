package trace

import (
	"bufio"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"h2trace/bpf"
)

const (
	// maxStored bounds the sessions of a capture whose secrets are kept, some 40 MB.
	maxStored = 1 << 17
	// maxSecretBytes is the longest secret (RFC 8446 §7.1, with SHA-384).
	maxSecretBytes = 48
)

// labels are those of secrets that open records.
var labels = []string{bpf.LabelMaster, bpf.LabelClientHandshake, bpf.LabelServerHandshake, bpf.LabelClientTraffic, bpf.LabelServerTraffic}

// secretStore keeps the secrets of a capture for all of its connections.
type secretStore struct {
	byRandom map[random]storedSecrets
	left     uint64 // secrets without room
}

// storedSecrets are the secrets of a session, one of each label: the number of the label, the
// length of the secret, and the secret. A session of TLS 1.3 takes 144 bytes.
type storedSecrets []byte

func newSecretStore() secretStore { return secretStore{byRandom: make(map[random]storedSecrets)} }

// add keeps a secret. The first one of a label counts: captures and key log files repeat them.
func (s *secretStore) add(e *bpf.Secret) {
	list, known := s.byRandom[e.ClientRandom]
	if !known && len(s.byRandom) == maxStored {
		s.left++
		return
	}
	number := slices.Index(labels, e.Label)
	for label := range list.all() {
		if label == number {
			return
		}
	}
	longer := make(storedSecrets, 0, len(list)+2+len(e.Secret))
	longer = append(append(longer, list...), byte(number), byte(len(e.Secret)))
	s.byRandom[e.ClientRandom] = append(longer, e.Secret...)
	clear(list)
}

// all returns numbers of labels, and secrets.
func (l storedSecrets) all() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for len(l) > 0 && yield(int(l[0]), l[2:2+l[1]]) {
			l = l[2+l[1]:]
		}
	}
}

// of returns the secrets of a session.
func (s *secretStore) of(r random) (list []secret) {
	if s == nil {
		return nil
	}
	for label, value := range s.byRandom[r].all() {
		list = append(list, secret{label: labels[label], value: slices.Clone(value)})
	}
	return list
}

func (s *secretStore) wipe() {
	for r, list := range s.byRandom {
		clear(list)
		delete(s.byRandom, r)
	}
}

// readKeyLog calls f with each secret of a key log file (RFC 9850), and returns how many there
// were. Lines that are none are skipped, as readers of such files do.
func readKeyLog(from io.Reader, f func(*bpf.Secret)) (n int, err error) {
	in := bufio.NewReaderSize(from, 4096)
	for {
		line, isPrefix, err := in.ReadLine()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if isPrefix { // longer than any
			if err := restOfLine(in); err != nil {
				return n, err
			}
			continue
		}
		var s bpf.Secret
		var value [maxSecretBytes]byte
		if parseSecret(&s, value[:], string(line)) {
			n++
			f(&s)
		}
		clear(line)
	}
}

// restOfLine passes over the rest of a long line.
func restOfLine(in *bufio.Reader) error {
	for {
		_, isPrefix, err := in.ReadLine()
		if errors.Is(err, io.EOF) || err == nil && !isPrefix {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// parseSecret takes a line: a label, a client random and a secret in hex. value has room for
// the secret.
func parseSecret(s *bpf.Secret, value []byte, line string) bool {
	fields := strings.Fields(line)
	if len(fields) != 3 || len(fields[1]) != 2*len(s.ClientRandom) || len(fields[2]) > 2*len(value) {
		return false
	}
	label := slices.Index(labels, fields[0])
	if label < 0 {
		return false
	}
	s.Label = labels[label]
	if _, err := hex.Decode(s.ClientRandom[:], []byte(fields[1])); err != nil {
		return false
	}
	n, err := hex.Decode(value, []byte(fields[2]))
	s.Secret = value[:n]
	return err == nil && n > 0
}
