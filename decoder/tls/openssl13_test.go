package tls_test

import (
	gotls "crypto/tls"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"h2trace/decoder"
)

// lines and blocks are steps of data.
func line(dir decoder.Direction, text string) step { return step{dir, "# " + text, 0} }

func block(dir decoder.Direction, text string, size int) step { return step{dir, "# " + text, size} }

func client(command string) step { return step{decoder.Send, command, 0} }
func server(command string) step { return step{decoder.Recv, command, 0} }

// usual is a conversation in both directions.
var usual = []step{
	line(decoder.Send, "first"), line(decoder.Recv, "second"), block(decoder.Send, "third", 5000),
	block(decoder.Recv, "fourth", 40000), line(decoder.Send, "fifth"), line(decoder.Recv, "sixth"),
}

// opensslPair has s_client and s_server talk. Options is for both.
func opensslPair(t testing.TB, options string, client, server []string, steps []step) (conv *conversation, log string) {
	t.Helper()
	need(t, "openssl")
	s, addr := serveOpenSSL(t, options, server...)
	r := newRelay(t, addr)
	c, keys := dialOpenSSL(t, options, r.addr(), client...)
	said := perform(t, r, [2]*endpoint{c, s}, steps)
	return finish(t, r, c, readFile(t, keys), said), c.out.String()
}

var suites13 = map[string]uint16{
	"TLS_AES_128_GCM_SHA256":       gotls.TLS_AES_128_GCM_SHA256,
	"TLS_AES_256_GCM_SHA384":       gotls.TLS_AES_256_GCM_SHA384,
	"TLS_CHACHA20_POLY1305_SHA256": gotls.TLS_CHACHA20_POLY1305_SHA256,
}

// TestOpenSSL13 has openssl talk to crypto/tls, and to itself.
func TestOpenSSL13(t *testing.T) {
	need(t, "openssl")
	for name, id := range suites13 {
		want := facts{gotls.VersionTLS13, id, false}
		args := []string{"-tls1_3", "-ciphersuites", name}
		t.Run("s_client "+name, func(t *testing.T) {
			s, addr := serveGo(t, &gotls.Config{})
			r := newRelay(t, addr)
			c, keys := dialOpenSSL(t, "", r.addr(), args...)
			said := perform(t, r, [2]*endpoint{c, s}, usual)
			conv := finish(t, r, c, readFile(t, keys), said)
			checkLog(t, c.out.String(), "New, TLSv1.3, Cipher is "+name, "ALPN protocol: h2")
			want.check(t, conv)
		})
		t.Run("s_server "+name, func(t *testing.T) {
			s, addr := serveOpenSSL(t, "", args...)
			r := newRelay(t, addr)
			c, keys := dialGo(t, r.addr(), &gotls.Config{})
			said := perform(t, r, [2]*endpoint{c, s}, usual)
			conv := finish(t, r, c, keys.Bytes(), said)
			checkLog(t, s.out.String(), "CIPHER is "+name, "ALPN protocols selected: h2")
			want.check(t, conv)
		})
		t.Run("openssl "+name, func(t *testing.T) {
			conv, log := opensslPair(t, "", args, nil, usual)
			checkLog(t, log, "New, TLSv1.3, Cipher is "+name, "ALPN protocol: h2")
			want.check(t, conv)
		})
	}
}

// TestOpenSSLOptions13 has openssl do what crypto/tls never does.
func TestOpenSSLOptions13(t *testing.T) {
	need(t, "openssl")
	pair := keyPair(t, certificate(t))
	for _, tt := range []struct {
		name           string
		client, server []string
		steps          []step
	}{
		{"padding", []string{"-record_padding", "512"}, []string{"-record_padding", "4096"}, usual},
		{"small records", []string{"-max_send_frag", "512"}, []string{"-max_send_frag", "700"}, usual},
		{"HelloRetryRequest", []string{"-groups", "X25519:P-384"}, []string{"-groups", "P-384"}, usual},
		{"client certificate", []string{"-cert", pair, "-key", pair}, []string{"-Verify", "1"}, usual},
		{"client certificate later", []string{"-cert", pair, "-key", pair, "-enable_pha"}, []string{"-verify", "1"}, later(server("c"))},
		{"external PSK", []string{"-psk", "c0ffee"}, []string{"-psk", "c0ffee", "-nocert"}, usual},
		{"no tickets", nil, []string{"-num_tickets", "0"}, usual},
		{"many tickets", nil, []string{"-num_tickets", "20"}, usual},
		{"KeyUpdate of the client", nil, nil, later(client("k"))},
		{"KeyUpdate of the server", nil, nil, later(server("k"))},
		{"KeyUpdate of both", nil, nil, later(client("K"), server("K"), client("K"))},
		{"many KeyUpdates", nil, nil, later(
			client("k"), client("k"), line(decoder.Send, "a"), client("K"), client("k"), block(decoder.Send, "b", 30000),
			server("k"), server("k"), server("K"), block(decoder.Recv, "c", 30000), client("K"), line(decoder.Recv, "d"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conv, log := opensslPair(t, "", append(tt.client, "-tls1_3"), tt.server, tt.steps)
			checkLog(t, log, "TLSv1.3, Cipher is")
			suite := uint16(gotls.TLS_AES_256_GCM_SHA384)
			if tt.name == "external PSK" {
				suite = gotls.TLS_CHACHA20_POLY1305_SHA256 // the first of SHA-256
			}
			facts{gotls.VersionTLS13, suite, tt.name == "external PSK"}.check(t, conv)
		})
	}
}

// later returns steps with data on both sides of them.
func later(steps ...step) []step {
	return append(append(append([]step(nil), usual...), steps...), line(decoder.Send, "seventh"), line(decoder.Recv, "eighth"),
		block(decoder.Recv, "ninth", 20000), block(decoder.Send, "tenth", 20000))
}

// TestEarlyData has s_client send early data (RFC 8446 §2.3), once accepted, and once
// refused because the ticket was used before.
func TestEarlyData(t *testing.T) {
	need(t, "openssl")
	s, addr := serveOpenSSL(t, "", "-early_data", "-tls1_3")
	r := newRelay(t, addr)
	session, early := filepath.Join(t.TempDir(), "session"), filepath.Join(t.TempDir(), "early")
	if err := os.WriteFile(early, []byte("# early"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, keys := dialOpenSSL(t, "", r.addr(), "-sess_out", session)
	said := perform(t, r, [2]*endpoint{c, s}, usual)
	facts{gotls.VersionTLS13, gotls.TLS_AES_256_GCM_SHA384, false}.check(t, finish(t, r, c, readFile(t, keys), said))
	for _, accepted := range []bool{true, false} {
		c, keys := dialOpenSSL(t, "", r.addr(), "-sess_in", session, "-early_data", early)
		said := perform(t, r, [2]*endpoint{c, s}, later(line(decoder.Send, "again")))
		conv := finish(t, r, c, readFile(t, keys), said)
		if accepted {
			checkLog(t, c.out.String(), "Reused, TLSv1.3", "Early data was accepted")
		} else {
			checkLog(t, c.out.String(), "New, TLSv1.3", "Early data was rejected")
		}
		facts{gotls.VersionTLS13, gotls.TLS_AES_256_GCM_SHA384, accepted}.check(t, conv)
		// No key log of crypto/tls has the secret of early data.
		missing := func(line string) bool { return strings.HasPrefix(line, "missing send") }
		if got := run(conv, 1<<20, 0).lines; !slices.ContainsFunc(got, missing) {
			t.Errorf("got %q, want a line of what is missing", got)
		}
	}
}
