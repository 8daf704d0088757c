package handshake

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// oracle returns what crypto/tls's server reads from the body of a ClientHello, or nil
// when it refuses it.
func oracle(body []byte) (info *tls.ClientHelloInfo) {
	if len(body) >= 1<<24 {
		return nil
	}
	message := binary.BigEndian.AppendUint32(nil, uint32(len(body))|uint32(TypeClientHello)<<24)
	var records []byte
	for part := range slices.Chunk(append(message, body...), 1<<14) {
		records = append(records, 22, 3, 1)
		records = binary.BigEndian.AppendUint16(records, uint16(len(part)))
		records = append(records, part...)
	}
	_ = tls.Server(&input{bytes.NewReader(records)}, &tls.Config{
		GetConfigForClient: func(i *tls.ClientHelloInfo) (*tls.Config, error) {
			info = i
			return nil, errors.New("it is read")
		},
	}).Handshake() // it never succeeds
	return info
}

// input is a connection whose peer has sent something, and which cannot send.
type input struct{ *bytes.Reader }

func (input) Write([]byte) (int, error)        { return 0, io.ErrClosedPipe }
func (input) Close() error                     { return nil }
func (input) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (input) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (input) SetDeadline(time.Time) error      { return nil }
func (input) SetReadDeadline(time.Time) error  { return nil }
func (input) SetWriteDeadline(time.Time) error { return nil }

// offer is what crypto/tls and this package both say about a ClientHello.
type offer struct {
	SNI                                       string
	ALPN, Versions                            []string
	CipherSuites                              []uint16
	PSK, EarlyData, QUIC, ECH, EncryptThenMAC bool
}

// agree demands that ParseClientHello reads what crypto/tls reads, if that accepts
// the body. It reports whether it does.
func agree(t testing.TB, body []byte) bool {
	t.Helper()
	info := oracle(body)
	if info == nil {
		return false
	}
	has := func(x extension) bool { return slices.Contains(info.Extensions, uint16(x)) }
	want := offer{
		SNI: info.ServerName, ALPN: info.SupportedProtos, CipherSuites: info.CipherSuites,
		PSK: has(extPreSharedKey), EarlyData: has(extEarlyData), QUIC: has(extQUIC), ECH: has(extECH),
		EncryptThenMAC: has(extEncryptThenMAC),
	}
	for _, v := range info.SupportedVersions {
		if v&0x0f0f != 0x0a0a || v>>8 != v&0xff { // as package clienthello leaves GREASE out
			want.Versions = append(want.Versions, tls.VersionName(v))
		}
	}
	h, err := ParseClientHello(body)
	if err != nil {
		t.Errorf("crypto/tls accepts what is %v\n%x", err, body)
	}
	got := offer{
		SNI: h.SNI, ALPN: h.ALPN, CipherSuites: h.CipherSuites, PSK: h.PSKs > 0, EarlyData: h.EarlyData,
		QUIC: h.QUIC, ECH: h.ECH, EncryptThenMAC: h.EncryptThenMAC,
	}
	if len(h.SessionTicket) > 0 && !has(extSessionTicket) {
		t.Errorf("a ticket of %d bytes without session_ticket\n%x", len(h.SessionTicket), body)
	}
	for _, v := range h.Versions {
		got.Versions = append(got.Versions, tls.VersionName(v))
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-crypto/tls +got:\n%s\n%x", diff, body)
	}
	return true
}

// TestOracle compares ParseClientHello with crypto/tls's server, over the
// configurations of a client.
func TestOracle(t *testing.T) {
	for i, body := range clientHellos(t) {
		if !agree(t, body) {
			t.Errorf("crypto/tls refuses hello %d: %x", i, body)
		}
		for n := range body {
			if _, err := ParseClientHello(body[:n]); err == nil && oracle(body[:n]) == nil {
				t.Errorf("hello %d: the first %d of %d bytes are a ClientHello", i, n, len(body))
			}
		}
	}
}

// TestOracleMutations compares hellos that are nearly those of a client.
func TestOracleMutations(t *testing.T) {
	rng := newRand()
	hellos := clientHellos(t)
	accepted := 0
	const rounds = 3000
	for range rounds {
		body := slices.Clone(hellos[rng.IntN(len(hellos))])
		for range 1 + rng.IntN(3) {
			// The fields before and between the extensions are short: most bytes
			// are keys, which nobody parses.
			at := rng.IntN(len(body))
			if rng.IntN(2) == 0 {
				at = rng.IntN(min(160, len(body)))
			}
			body[at] = []byte{body[at] + 1, body[at] - 1, 0, byte(rng.Uint32())}[rng.IntN(4)]
		}
		if agree(t, body) {
			accepted++
		}
	}
	t.Logf("crypto/tls accepts %d of %d", accepted, rounds)
	if accepted < rounds/20 {
		t.Error("crypto/tls accepts too few to compare")
	}
}
