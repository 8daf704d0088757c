package handshake

// Error says what could not be read.
type Error struct {
	Message string // the message, "alert" or "x509 certificate"
	Field   string // as the RFC names it
}

func (e *Error) Error() string { return e.Message + ": malformed " + e.Field }

// malformed returns the error of a field of a message.
func malformed(t MessageType, field string) error {
	return &Error{Message: t.String(), Field: field}
}
