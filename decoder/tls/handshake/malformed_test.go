package handshake

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMalformed demands the error that names message and field.
func TestMalformed(t *testing.T) {
	clientHead := "0303" + zeroes(32) + "00" + "0002 1301" + "0100"
	serverHead := "0303" + zeroes(32) + "00" + "1301" + "00"
	client := func(b []byte) error { _, err := ParseClientHello(b); return err }
	server := func(b []byte) error { _, err := ParseServerHello(b); return err }
	encrypted := func(b []byte) error { _, err := ParseEncryptedExtensions(b); return err }
	ticket12 := func(b []byte) error { _, err := ParseNewSessionTicket12(b); return err }
	update := func(b []byte) error { _, err := ParseKeyUpdate(b); return err }
	cert12 := func(b []byte) error { _, err := ParseCertificate12(b); return err }
	cert13 := func(b []byte) error { _, err := ParseCertificate13(b); return err }
	alert := func(b []byte) error { _, err := ParseAlert(b); return err }
	names := func(b []byte) error { _, err := ParseNames(b); return err }
	for _, tt := range []struct {
		parse func([]byte) error
		body  string
		want  string
	}{
		{client, "03", "client_hello: malformed legacy_version"},
		{client, "0303 00", "client_hello: malformed random"},
		{client, "0303" + zeroes(32) + "01", "client_hello: malformed legacy_session_id"},
		{client, "0303" + zeroes(32) + "00 0003 130113", "client_hello: malformed cipher_suites"},
		{client, "0303" + zeroes(32) + "00 0002 1301 02 00", "client_hello: malformed legacy_compression_methods"},
		{client, clientHead + "00", "client_hello: malformed extensions"},
		{client, clientHead + "0000 00", "client_hello: malformed extensions"},
		{client, clientHead + "0003 000000", "client_hello: malformed extensions"},
		{client, clientHead + "0008 002a0000 002a0000", "client_hello: malformed extensions"},
		{client, clientHead + "0004 00000000", "client_hello: malformed server_name"},
		{client, clientHead + "000a 00000006 0004 00 0002 61", "client_hello: malformed server_name"},
		{client, clientHead + "000e 0000000a 0008 00 0001 61 00 0001 62", "client_hello: malformed server_name"},
		{client, clientHead + "0009 00100005 0003 02 6832 00", "client_hello: malformed extensions"},
		{client, clientHead + "0009 00100005 0003 03 6832", "client_hello: malformed application_layer_protocol_negotiation"},
		{client, clientHead + "0007 002b0003 03 0304", "client_hello: malformed supported_versions"},
		{client, clientHead + "0007 00290003 0001 00", "client_hello: malformed pre_shared_key"},
		{server, "0303", "server_hello: malformed random"},
		{server, "0303" + zeroes(32) + "00 13", "server_hello: malformed cipher_suite"},
		{server, "0303" + zeroes(32) + "00 1301", "server_hello: malformed legacy_compression_method"},
		{server, serverHead + "0007 002b0003 0304 00", "server_hello: malformed supported_versions"},
		{server, serverHead + "0005 00290001 00", "server_hello: malformed pre_shared_key"},
		{server, serverHead + "000c 00100008 0006 02 6832 02 6833", "server_hello: malformed application_layer_protocol_negotiation"},
		{encrypted, "", "encrypted_extensions: malformed extensions"},
		{ticket12, "000000", "new_session_ticket: malformed ticket_lifetime_hint"},
		{ticket12, "00000001 0001", "new_session_ticket: malformed ticket"},
		{ticket12, "00000001 0001 aa bb", "new_session_ticket: malformed ticket"},
		{update, "02", "key_update: malformed request_update"},
		{update, "", "key_update: malformed request_update"},
		{cert12, "000001", "certificate: malformed certificate_list"},
		{cert12, "000003 000001", "certificate: malformed cert_data"},
		{cert13, "01", "certificate: malformed certificate_request_context"},
		{cert13, "00 000003 000000", "certificate: malformed cert_data"},
		{alert, "02", "alert: malformed length"},
		{names, "3000", "x509 certificate: malformed tbsCertificate"},
		{names, "3002 3000", "x509 certificate: malformed serialNumber"},
		{names, "3009 3007 020101 3000 3000", "x509 certificate: malformed validity"},
	} {
		err := tt.parse(dehex(t, tt.body))
		if e := new(Error); !errors.As(err, &e) || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.body, err, tt.want)
		}
	}
}

// zeroes returns n bytes in hexadecimal.
func zeroes(n int) string { return strings.Repeat("00", n) }

// TestMalformedExtension demands that it does not hide the others.
func TestMalformedExtension(t *testing.T) {
	h, err := ParseClientHello(dehex(t, "0303"+zeroes(32)+"00 0002 1301 0100 0020"+
		"0000000a 0008 00 0001 61 00 0001 62"+ // two names
		"00100005 0003 02 6832"+
		"002b0005 04 0304 0303"))
	want := &ClientHello{
		LegacyVersion: 0x0303, SessionID: []byte{}, CipherSuites: []uint16{0x1301},
		SNI: "a", ALPN: []string{"h2"}, Versions: []uint16{0x0304, 0x0303},
	}
	if diff := cmp.Diff(want, h); diff != "" || err == nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}
