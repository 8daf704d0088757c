package handshake

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"testing"

	der "golang.org/x/crypto/cryptobyte/asn1"
)

// TestHandmade reads messages that crypto/tls does not send.
func TestHandmade(t *testing.T) {
	server := must[*ServerHello](t)(ParseServerHello(dehex(t, "0303"+zeroes(32)+"00 c02f 00 000d 00160000 00100005 0003 02 6832")))
	if !server.EncryptThenMAC || server.ExtendedMasterSecret || server.ALPN != "h2" || server.Version() != 0x0303 {
		t.Errorf("%+v", server)
	}
	client := must[*ClientHello](t)(ParseClientHello(dehex(t, "0303"+zeroes(32)+"00 0002 1301 0100 0021"+
		"00290019 0010 0001 61 00000000 0003 616263 00000000 0005 0001 aa 01 bb"+"002a0000")))
	if client.PSKs != 2 || !client.EarlyData || client.QUIC || client.ECH || client.SNI != "" {
		t.Errorf("%+v", client)
	}
	for want, b := range map[string][]byte{
		"fatal bad_certificate":         {2, 42},
		"warning close_notify":          {1, 0},
		"level 7 99":                    {7, 99},
		"fatal no_application_protocol": {2, 120},
	} {
		if a := must[Alert](t)(ParseAlert(b)); a.String() != want {
			t.Errorf("got %v, want %s", a, want)
		}
	}
	for body, want := range map[string]bool{"00": false, "01": true} {
		if got := must[bool](t)(ParseKeyUpdate(dehex(t, body))); got != want {
			t.Errorf("KeyUpdate %s: got %t", body, got)
		}
	}
	for body, parse := range map[string]func([]byte) ([]byte, error){"000000": ParseCertificate12, "00 000000": ParseCertificate13} {
		if leaf := must[[]byte](t)(parse(dehex(t, body))); leaf != nil {
			t.Errorf("the leaf of no chain is %x", leaf)
		}
	}
}

func TestTypeNames(t *testing.T) {
	for kind, want := range map[MessageType]string{
		0: "hello_request", 1: "client_hello", 2: "server_hello", 4: "new_session_ticket", 5: "end_of_early_data",
		8: "encrypted_extensions", 11: "certificate", 12: "server_key_exchange", 13: "certificate_request",
		14: "server_hello_done", 15: "certificate_verify", 16: "client_key_exchange", 20: "finished",
		22: "certificate_status", 24: "key_update", 25: "compressed_certificate", 254: "message_hash",
		99: "handshake type 99",
	} {
		if got := kind.String(); got != want {
			t.Errorf("%d: got %s, want %s", kind, got, want)
		}
	}
}

// TestText decodes each type of a DirectoryString.
func TestText(t *testing.T) {
	for _, tt := range []struct {
		tag      der.Tag
		in, want string
	}{
		{der.UTF8String, "Gr\u00f6\u00dfe", "Größe"},
		{der.UTF8String, "a\xff\xfeb", "a\ufffdb"},
		{der.PrintableString, "a@b", "a@b"},
		{der.T61String, "Gr\xf6\xdfe", "Größe"},
		{der.Tag(asn1.TagBMPString), "\x00G\x00r\x00\xf6\x00\x00", "Grö"},
		{der.Tag(asn1.TagBMPString), "\x00G\xd8\x00r", "G\ufffd"},
	} {
		if got := text(tt.tag, []byte(tt.in)); got != tt.want {
			t.Errorf("%d %q: got %q, want %q", tt.tag, tt.in, got, tt.want)
		}
	}
	if got, want := printable("a\nö\u202eb\u0085"), `a\0Aö\E2\80\AEb\C2\85`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCriticalNames has a certificate without subject, whose subjectAltName is
// critical (RFC 5280 §4.1.2.6).
func TestCriticalNames(t *testing.T) {
	id := newIdentity(t)
	key := id.cert.PrivateKey.(*ecdsa.PrivateKey)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(3), DNSNames: []string{"a.example", "b.example", "c.example"}}
	b, err := x509.CreateCertificate(rand.Reader, leaf, leaf, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if n := must[Names](t)(ParseNames(b)); !agreeOnNames(t, b) || n.DNSNames != 3 || n.Subject != "" {
		t.Errorf("%+v", n)
	}
}
