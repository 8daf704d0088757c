// Package clienthello reads what a TLS client offers (RFC 8446 §4.1.2), from its
// first bytes. It does no I/O.
package clienthello

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// maxLength bounds the record of a ClientHello (RFC 8446 §5.1), with its header.
const maxLength = 5 + 1<<14

// Offer is what a client offers, in its order.
type Offer struct {
	ALPN     []string
	Versions []string // as in "TLS 1.3"
	SNI      string
}

var errRead = errors.New("the offer is read")

// parse reads an offer from the first bytes of a client. ok is false when they are no
// ClientHello, or an incomplete one. crypto/tls parses them, as the server of a
// connection that ends there.
func parse(b []byte) (o Offer, ok bool) {
	server := tls.Server(&input{Reader: bytes.NewReader(b)}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			o, ok = offerOf(h), true
			return nil, errRead
		},
	})
	_ = server.Handshake() // it never succeeds
	return o, ok
}

func offerOf(h *tls.ClientHelloInfo) Offer {
	o := Offer{ALPN: slices.Clone(h.SupportedProtos), SNI: h.ServerName}
	for _, v := range h.SupportedVersions {
		if v&0x0f0f != 0x0a0a || v>>8 != v&0xff { // not a GREASE value (RFC 8701 §3.1)
			o.Versions = append(o.Versions, tls.VersionName(v))
		}
	}
	return o
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
