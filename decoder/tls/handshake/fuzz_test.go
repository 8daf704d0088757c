package handshake

import (
	"bytes"
	"testing"
)

// FuzzClientHello demands that what crypto/tls accepts is read as crypto/tls does.
func FuzzClientHello(f *testing.F) {
	for _, body := range clientHellos(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		agree(t, body)
		h, _ := ParseClientHello(body)
		if n := len(h.SNI) + len(h.SessionID) + 2*len(h.CipherSuites) + 4*h.PSKs + len(h.SessionTicket); n > len(body) {
			t.Errorf("%d bytes are read from %d", n, len(body))
		}
	})
}

// FuzzNames demands that what crypto/x509 accepts is read as crypto/x509 does.
func FuzzNames(f *testing.F) {
	for _, der := range newIdentity(f).cert.Certificate {
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) { agreeOnNames(t, der) })
}

// FuzzParsers passes the same bytes to all parsers. None keeps or changes them.
func FuzzParsers(f *testing.F) {
	client, server := configs(f)
	for _, side := range []func(spoken) []byte{
		func(s spoken) []byte { return s.client },
		func(s spoken) []byte { return s.server },
	} {
		for _, bodies := range cleartext(f, side(speak(f, client, server))) {
			f.Add(bodies[0])
		}
	}
	for _, flight := range quicFlights(f) {
		for kind := range typeNames {
			for _, body := range flight.messages(f, kind) {
				f.Add(body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		server, serverErr := ParseServerHello(body)
		_, extensionsErr := ParseEncryptedExtensions(body)
		_, ticket12Err := ParseNewSessionTicket12(body)
		_, updateErr := ParseKeyUpdate(body)
		leaf12, err12 := ParseCertificate12(body)
		leaf13, err13 := ParseCertificate13(body)
		alert, alertErr := ParseAlert(body)
		for _, err := range []error{serverErr, extensionsErr, ticket12Err, updateErr, err12, err13, alertErr} {
			if err != nil && err.Error() == "" {
				t.Error("an error without text")
			}
		}
		if len(leaf12)+3 > len(body) && leaf12 != nil || len(leaf13)+4 > len(body) && leaf13 != nil {
			t.Errorf("leaves of %d and %d bytes from %d", len(leaf12), len(leaf13), len(body))
		}
		if serverErr == nil && len(server.SessionID)+38 > len(body) || alert.String() == "" {
			t.Errorf("%+v, %v", server, alert)
		}
		if !bytes.Equal(before, body) {
			t.Error("the bytes are changed")
		}
	})
}
