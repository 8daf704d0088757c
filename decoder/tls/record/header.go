package record

// HeaderSize is the size of the header of a record: type, version and length.
const HeaderSize = 5

// IsHeader reports whether b begins like the header of a record of TLS 1.0 to 1.3 (RFC 8446
// §5.1), as far as it is there.
func IsHeader(b []byte) bool {
	switch {
	case len(b) == 0, b[0] < byte(ChangeCipherSpec), b[0] > byte(ApplicationData), len(b) > 1 && b[1] != 3:
		return false
	}
	return len(b) < HeaderSize || b[2] <= 4 && int(b[3])<<8|int(b[4]) <= MaxCiphertext12
}
