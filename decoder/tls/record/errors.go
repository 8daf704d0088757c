package record

import (
	"errors"
	"fmt"
)

// The bounds on the length of a record.
const (
	// MaxPlaintext bounds the content of a record, RFC 8446 §5.1.
	MaxPlaintext = 1 << 14
	// MaxCiphertext13 bounds the length that the header of a TLS 1.3 record
	// may state, RFC 8446 §5.2.
	MaxCiphertext13 = MaxPlaintext + 256
	// MaxCiphertext12 bounds the length that the header of a TLS 1.2 record
	// may state, RFC 5246 §6.2.3.
	MaxCiphertext12 = MaxPlaintext + 2048
)

// The reasons for which a record gives no plaintext.
var (
	// ErrNotOpened reports a record that does not verify under the key and the
	// number of the Reader: it is forged, or belongs to another key or number.
	ErrNotOpened = errors.New("record does not verify")
	// ErrTooLong reports a record whose ciphertext or plaintext is longer than
	// its version allows. An endpoint answers it with record_overflow.
	ErrTooLong = errors.New("record too long")
	// ErrLength reports a record that is not as long as its header states.
	ErrLength = errors.New("record is not as long as its header states")
	// ErrNoContentType reports a TLS 1.3 record that verifies and whose inner
	// plaintext is all zero. An endpoint answers it with unexpected_message,
	// RFC 8446 §5.4.
	ErrNoContentType = errors.New("record has no content type")
	// ErrNoSecret reports an Update of a Reader that no traffic secret made.
	ErrNoSecret = errors.New("no traffic secret to update")
)

// UnsupportedSuiteError reports a cipher suite that this package does not know,
// or not for that version.
type UnsupportedSuiteError struct {
	ID      uint16
	Version Version
}

// Error names the suite and the version.
func (e *UnsupportedSuiteError) Error() string {
	suite, _ := SuiteByID(e.ID)
	return fmt.Sprintf("cipher suite %v is not supported in %v", suite, e.Version)
}

// LengthError reports key material of a length that the suite cannot have.
type LengthError struct {
	What      string // "key", "traffic secret", ...
	Got, Want int    // in bytes
}

// Error names the material and both lengths.
func (e *LengthError) Error() string {
	return fmt.Sprintf("%s of %d bytes, want %d", e.What, e.Got, e.Want)
}

func checkLength(what string, b []byte, want int) error {
	if len(b) != want {
		return &LengthError{What: what, Got: len(b), Want: want}
	}
	return nil
}
