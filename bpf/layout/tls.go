package layout

import (
	"debug/dwarf"
	"fmt"
)

// TLS holds the offsets, in bytes, of fields in a crypto/tls.Conn: what a handshake
// negotiated, why there is no more to read, and the state of each direction.
type TLS struct {
	Version uint16 // vers, uint16
	Cipher  uint16 // cipherSuite, uint16
	Resumed uint16 // didResume, bool
	ALPN    uint16 // clientProtocol, string
	SNI     uint16 // serverName, string
	// ReadErr, of in.err, an error: no Read goes beyond it.
	ReadErr uint16
	// In and Out are the directions, each a halfConn.
	In, Out uint16
	Half    HalfConn
	// RawInput, a bytes.Buffer, holds what was received and not opened yet, and Input, a
	// bytes.Reader, what of the last opened record was not read yet.
	RawInput, Input uint16
}

// HalfConn holds the offsets of fields in a crypto/tls.halfConn.
type HalfConn struct {
	Version uint16 // uint16, 0 before the keys are in use
	Cipher  uint16 // any
	Seq     uint16 // [8]byte, the number of the next record
	Secret  uint16 // trafficSecret, []byte, of TLS 1.3
}

// Halves returns the places of the directions: what the process sends, and receives.
func (l *TLS) Halves() [2]uint16 { return [2]uint16{l.Out, l.In} }

// TLSFromDWARF reads the layout from the debugging information of a program.
func TLSFromDWARF(d *dwarf.Data) (*TLS, error) {
	t, err := readTypes(d, cryptoTLS)
	if err != nil {
		return nil, err
	}
	l := TLS{
		Version: t.at("Conn", "vers"),
		Cipher:  t.at("Conn", "cipherSuite"),
		Resumed: t.at("Conn", "didResume"),
		ALPN:    t.at("Conn", "clientProtocol"),
		SNI:     t.at("Conn", "serverName"),
		ReadErr: t.at("Conn", "in") + t.at("halfConn", "err"),
		In:      t.at("Conn", "in"),
		Out:     t.at("Conn", "out"),
		Half: HalfConn{
			Version: t.at("halfConn", "version"),
			Cipher:  t.at("halfConn", "cipher"),
			Seq:     t.at("halfConn", "seq"),
			Secret:  t.at("halfConn", "trafficSecret"),
		},
		RawInput: t.at("Conn", "rawInput"),
		Input:    t.at("Conn", "input"),
	}
	if t.missing != "" {
		return nil, fmt.Errorf("no %s: %w", t.missing, errNoLayout)
	}
	return &l, nil
}

// ReleasedTLS returns the layout of a Go release, such as "go1.26.8", and nil where
// it is unknown.
func ReleasedTLS(goVersion string) *TLS { return released(tlsReleases, goVersion) }
