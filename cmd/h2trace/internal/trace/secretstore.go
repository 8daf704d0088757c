package trace

import (
	"bufio"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"h2trace/bpf"
)

const (
	// maxStored bounds the sessions of a capture whose secrets are kept, some 40 MB.
	maxStored = 1 << 17
	// maxSecretBytes is the longest secret (RFC 8446 §7.1, with SHA-384).
	maxSecretBytes = 48
)

// secretStore keeps the secrets of a capture for all of its connections.
type secretStore struct {
	byRandom map[random][]storedSecret
	left     uint64 // sessions without room
}

type storedSecret struct {
	label string // one of bpf.Label…
	n     uint8
	bytes [maxSecretBytes]byte
}

func newSecretStore() secretStore { return secretStore{byRandom: make(map[random][]storedSecret)} }

// add keeps a secret.
func (s *secretStore) add(e *bpf.Secret) {
	list, known := s.byRandom[e.ClientRandom]
	switch {
	case !known && len(s.byRandom) == maxStored:
		s.left++
		return
	case len(list) == maxSessionSecrets:
		return
	}
	stored := storedSecret{label: e.Label, n: uint8(len(e.Secret))}
	copy(stored.bytes[:], e.Secret)
	s.byRandom[e.ClientRandom] = append(list, stored)
}

// of returns the secrets of a session.
func (s *secretStore) of(r random) (list []secret) {
	if s == nil {
		return nil
	}
	for _, stored := range s.byRandom[r] {
		list = append(list, secret{label: stored.label, value: append([]byte(nil), stored.bytes[:stored.n]...)})
	}
	return list
}

func (s *secretStore) wipe() {
	for r, list := range s.byRandom {
		clear(list)
		delete(s.byRandom, r)
	}
}

// labels are those of secrets that open records.
var labels = map[string]string{}

func init() {
	for _, l := range []string{bpf.LabelMaster, bpf.LabelClientHandshake, bpf.LabelServerHandshake, bpf.LabelClientTraffic, bpf.LabelServerTraffic} {
		labels[l] = l
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
	if len(fields) != 3 || labels[fields[0]] == "" || len(fields[1]) != 2*len(s.ClientRandom) || len(fields[2]) > 2*len(value) {
		return false
	}
	s.Label = labels[fields[0]]
	if _, err := hex.Decode(s.ClientRandom[:], []byte(fields[1])); err != nil {
		return false
	}
	n, err := hex.Decode(value, []byte(fields[2]))
	s.Secret = value[:n]
	return err == nil && n > 0
}
