//go:build linux

package bpf

import (
	"encoding/hex"
	"errors"
	"fmt"
	"unsafe"
)

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

// AppendLine appends the line of a key log file (RFC 9850).
func (s *Secret) AppendLine(b []byte) []byte {
	b = append(append(b, s.Label...), ' ')
	b = append(hex.AppendEncode(b, s.ClientRandom[:]), ' ')
	return append(hex.AppendEncode(b, s.Secret), '\n')
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
