package tls_test

import (
	gotls "crypto/tls"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
)

// suites12 are suites of TLS 1.2 by the names of openssl.
var suites12 = map[string]uint16{
	"ECDHE-ECDSA-AES128-GCM-SHA256": gotls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-ECDSA-AES256-GCM-SHA384": gotls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-ECDSA-CHACHA20-POLY1305": gotls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	"ECDHE-ECDSA-AES128-SHA":        gotls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
	"ECDHE-ECDSA-AES256-SHA":        gotls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	"ECDHE-ECDSA-AES128-SHA256":     gotls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
}

const noExtendedMasterSecret = "Options = -ExtendedMasterSecret"

// TestOpenSSL12 has openssl talk to crypto/tls, and to itself, with an extended master
// secret (RFC 7627) and without.
func TestOpenSSL12(t *testing.T) {
	need(t, "openssl")
	for name, id := range suites12 {
		want := facts{gotls.VersionTLS12, id, false}
		for _, options := range []string{"", noExtendedMasterSecret} {
			args := []string{"-tls1_2", "-cipher", name}
			suites := []uint16{id}
			extended := "Extended master secret: yes"
			if options != "" {
				name, extended = name+" without EMS", "Extended master secret: no"
			}
			t.Run("s_client "+name, func(t *testing.T) {
				s, addr := serveGo(t, &gotls.Config{CipherSuites: suites})
				r := newRelay(t, addr)
				c, keys := dialOpenSSL(t, options, r.addr(), args...)
				said := perform(t, r, [2]*endpoint{c, s}, usual)
				conv := finish(t, r, c, readFile(t, keys), said)
				checkLog(t, c.out.String(), ", Cipher is "+args[2], "Protocol  : TLSv1.2", "ALPN protocol: h2", extended)
				want.check(t, conv)
			})
			t.Run("s_server "+name, func(t *testing.T) {
				s, addr := serveOpenSSL(t, options, args...)
				r := newRelay(t, addr)
				c, keys := dialGo(t, r.addr(), &gotls.Config{CipherSuites: suites})
				said := perform(t, r, [2]*endpoint{c, s}, usual)
				conv := finish(t, r, c, keys.Bytes(), said)
				checkLog(t, s.out.String(), "CIPHER is "+args[2], "ALPN protocols selected: h2")
				want.check(t, conv)
			})
			t.Run("openssl "+name, func(t *testing.T) {
				conv, log := opensslPair(t, options, append(args, "-no_etm"), nil, usual)
				checkLog(t, log, ", Cipher is "+args[2], "Protocol  : TLSv1.2", "ALPN protocol: h2", extended)
				want.check(t, conv)
			})
		}
	}
}

// TestUnknownProtection has openssl agree with itself on what package record does not
// open: nothing is returned.
func TestUnknownProtection(t *testing.T) {
	need(t, "openssl")
	for _, name := range []string{
		"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-SHA256", // with encrypt-then-MAC (RFC 7366)
		"ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-ARIA128-GCM-SHA256",
	} {
		t.Run(name, func(t *testing.T) {
			conv, log := opensslPair(t, "", []string{"-tls1_2", "-cipher", name}, []string{"-cipher", name}, usual)
			checkLog(t, log, "Cipher is "+name)
			got := run(conv, 1<<20, 0)
			want := []string{`offered send goproxy.example ["h2"]`, "unopened send: unknown cipher suite", "unopened recv: unknown cipher suite"}
			if diff := cmp.Diff(want, got.lines); diff != "" || len(got.said[0])+len(got.said[1]) > 0 {
				t.Errorf("%q, %q: %s", got.said[0], got.said[1], diff)
			}
		})
	}
}

// TestOpenSSLOptions12 has openssl do what crypto/tls never does.
func TestOpenSSLOptions12(t *testing.T) {
	need(t, "openssl")
	pair := keyPair(t, certificate(t))
	for _, tt := range []struct {
		name           string
		client, server []string
		steps          []step
		resumed        bool
	}{
		{"small records", []string{"-max_send_frag", "512"}, []string{"-max_send_frag", "700"}, usual, false},
		{"client certificate", []string{"-cert", pair, "-key", pair}, []string{"-Verify", "1"}, usual, false},
		{"renegotiation", nil, []string{"-client_renegotiation"}, later(client("R")), false},
		{"renegotiation by the server", nil, nil, later(server("r")), true},
		{"renegotiation with a certificate", []string{"-cert", pair, "-key", pair}, nil, later(server("R")), true},
		{"renegotiation twice", nil, []string{"-client_renegotiation"}, later(client("R"), line(decoder.Send, "a"), line(decoder.Recv, "b"), server("r"), line(decoder.Send, "c")), true},
	} {
		for _, suite := range []string{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA"} {
			t.Run(tt.name+" "+suite, func(t *testing.T) {
				conv, log := opensslPair(t, "", append(slices.Clone(tt.client), "-tls1_2", "-no_etm", "-cipher", suite), tt.server, tt.steps)
				checkLog(t, log, "Cipher is "+suite, "Protocol  : TLSv1.2")
				facts{gotls.VersionTLS12, suites12[suite], tt.resumed}.check(t, conv)
			})
		}
	}
}

// TestRenegotiationGo has s_server ask a client of crypto/tls for a renegotiation, and
// s_client a server, which refuses.
func TestRenegotiationGo(t *testing.T) {
	need(t, "openssl")
	want := facts{gotls.VersionTLS12, gotls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, false}
	t.Run("client", func(t *testing.T) {
		s, addr := serveOpenSSL(t, "", "-tls1_2")
		r := newRelay(t, addr)
		c, keys := dialGo(t, r.addr(), &gotls.Config{Renegotiation: gotls.RenegotiateFreelyAsClient})
		said := perform(t, r, [2]*endpoint{c, s}, later(server("r")))
		want.check(t, finish(t, r, c, keys.Bytes(), said))
	})
	t.Run("server", func(t *testing.T) {
		s, addr := serveGo(t, &gotls.Config{MaxVersion: gotls.VersionTLS12})
		r := newRelay(t, addr)
		c, keys := dialOpenSSL(t, "", r.addr(), "-legacy_renegotiation")
		said := perform(t, r, [2]*endpoint{c, s}, append(slices.Clone(usual), client("R")))
		conv := finish(t, r, c, readFile(t, keys), said)
		want.check(t, conv)
	})
}

// TestResume12 resumes sessions by ticket, and by session ID, which crypto/tls never does.
func TestResume12(t *testing.T) {
	need(t, "openssl")
	for _, tt := range []struct {
		name string
		args []string
	}{{"ticket", nil}, {"session ID", []string{"-no_ticket"}}} {
		t.Run(tt.name, func(t *testing.T) {
			s, addr := serveOpenSSL(t, "", append(tt.args, "-tls1_2")...)
			r := newRelay(t, addr)
			session := filepath.Join(t.TempDir(), "session")
			want := facts{gotls.VersionTLS12, gotls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, false}
			c, keys := dialOpenSSL(t, "", r.addr(), append(tt.args, "-sess_out", session)...)
			said := perform(t, r, [2]*endpoint{c, s}, usual)
			before := finish(t, r, c, readFile(t, keys), said)
			want.check(t, before)

			c, keys = dialOpenSSL(t, "", r.addr(), append(tt.args, "-sess_in", session)...)
			said = perform(t, r, [2]*endpoint{c, s}, later(line(decoder.Send, "again")))
			conv := finish(t, r, c, readFile(t, keys), said)
			checkLog(t, c.out.String(), "Reused, TLSv1.2")
			want.resumed = true
			want.check(t, conv) // openssl logs the secret again

			conv.before, conv.secrets = before, nil // crypto/tls does not
			if tt.name == "ticket" {
				want.check(t, conv)
				return
			}
			lines := []string{`offered send goproxy.example ["h2"]`, "unopened send: no secret", "unopened recv: no secret"}
			if diff := cmp.Diff(lines, run(conv, 1<<20, 0).lines); diff != "" {
				t.Error(diff)
			}
		})
	}
}
