package tls

import (
	"bufio"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
)

const (
	// maxLogged bounds the sessions of a KeyLog, some 40 MB.
	maxLogged = 1 << 17
	// maxSecretBytes is the longest secret (RFC 8446 §7.1, with SHA-384).
	maxSecretBytes = 48
)

// labels are those of secrets that open records.
var labels = []string{
	labelMaster, labelClientHandshake, labelServerHandshake, labelClientApplication, labelServerApplication,
}

// KeyLog holds the session secrets of many connections, as a key log file has them (RFC
// 9850): that of SSLKEYLOGFILE or of the KeyLogWriter of crypto/tls, or of the Decryption
// Secrets Block of a capture. It keeps those of 131,072 sessions, some 40 MB. The zero
// value is ready to use. It is not safe for concurrent use.
type KeyLog struct {
	byRandom map[[32]byte]loggedSecrets
	left     uint64 // secrets without room
}

// loggedSecrets are the secrets of a session, one of each label: the number of the label, the
// length of the secret, and the secret. A session of TLS 1.3 takes 144 bytes.
type loggedSecrets []byte

// Add keeps a copy of a secret, if its label is one of a secret that opens records. The
// first one of a label counts: captures and key log files repeat them.
func (l *KeyLog) Add(label string, clientRandom [32]byte, secret []byte) {
	number := slices.Index(labels, label)
	if number < 0 || len(secret) == 0 || len(secret) > maxSecretBytes {
		return
	}
	list, known := l.byRandom[clientRandom]
	if !known && len(l.byRandom) == maxLogged {
		l.left++
		return
	}
	for n := range list.all() {
		if n == number {
			return
		}
	}
	longer := make(loggedSecrets, 0, len(list)+2+len(secret))
	longer = append(append(longer, list...), byte(number), byte(len(secret)))
	if l.byRandom == nil {
		l.byRandom = make(map[[32]byte]loggedSecrets)
	}
	l.byRandom[clientRandom] = append(longer, secret...)
	clear(list)
}

// all returns numbers of labels, and secrets.
func (l loggedSecrets) all() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for len(l) > 0 && yield(int(l[0]), l[2:2+l[1]]) {
			l = l[2+l[1]:]
		}
	}
}

// Of returns the labels and secrets of a session, for Conn.Secret. A secret belongs to the
// KeyLog and is valid until its next call. Of a nil KeyLog there are none.
func (l *KeyLog) Of(clientRandom [32]byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		if l == nil {
			return
		}
		for number, secret := range l.byRandom[clientRandom].all() {
			if !yield(labels[number], secret) {
				return
			}
		}
	}
}

// Left returns how many secrets had no room.
func (l *KeyLog) Left() uint64 { return l.left }

// Wipe zeroes and forgets all secrets.
func (l *KeyLog) Wipe() {
	for r, list := range l.byRandom {
		clear(list)
		delete(l.byRandom, r)
	}
}

// ReadKeyLog calls f with each secret of a key log file (RFC 9850) that opens records, and
// returns how many there were. It skips other lines, as readers of such files do. The error
// is that of reading. A secret is valid until f returns.
func ReadKeyLog(r io.Reader, f func(label string, clientRandom [32]byte, secret []byte)) (n int, err error) {
	in := bufio.NewReaderSize(r, 4096)
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
		var secret [maxSecretBytes]byte
		if label, random, size, ok := parseLogged(secret[:], string(line)); ok {
			n++
			f(label, random, secret[:size])
		}
		clear(secret[:])
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

// parseLogged reads a line: a label, a client random and a secret in hex. secret has room
// for that.
func parseLogged(secret []byte, line string) (label string, random [32]byte, size int, ok bool) {
	fields := strings.Fields(line)
	if len(fields) != 3 || len(fields[1]) != 2*len(random) || len(fields[2]) > 2*len(secret) {
		return "", random, 0, false
	}
	number := slices.Index(labels, fields[0])
	if number < 0 {
		return "", random, 0, false
	}
	if _, err := hex.Decode(random[:], []byte(fields[1])); err != nil {
		return "", random, 0, false
	}
	size, err := hex.Decode(secret, []byte(fields[2]))
	return labels[number], random, size, err == nil && size > 0
}
