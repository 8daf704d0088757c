package tls_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/tls"
)

var sizes = []int{1, 100, 16384, 70000, 1, 3, 5000, 200000, 10, 10}

// TestConn compares what a Conn finds with what the endpoints say, with each
// conversation cut in several ways, and the secrets given at several times.
func TestConn(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, sizes)
			want := run(conv, 1<<20, 0)
			for d := range conv.said {
				if !bytes.Equal(want.said[d], conv.said[d]) {
					t.Errorf("%s: got %d bytes, want %d", decoder.Direction(d), len(want.said[d]), len(conv.said[d]))
				}
			}
			lines := []string{
				`offered send goproxy.example ["h2" "http/1.1"]`, "established",
				"alert send warning close_notify, encrypted true",
			}
			if diff := cmp.Diff(lines, want.lines[:min(3, len(want.lines))]); diff != "" {
				t.Error(diff)
			}
			checkInfo(t, conv, &want.info, s.resumed)
			for _, most := range []int{1, 7, 1400, 1 << 20} {
				for _, when := range []int{0, 2, 4, 6, 9, 12} {
					got := run(conv, most, when)
					if diff := cmp.Diff(want.lines, got.lines); diff != "" {
						t.Errorf("pieces of %d, secrets at %d: %s", most, when, diff)
					}
					if diff := cmp.Diff(want.turns, got.turns, cmp.AllowUnexported(turn{})); diff != "" {
						t.Errorf("pieces of %d, secrets at %d: order of the directions: %s", most, when, diff)
					}
					for d := range got.said {
						if !bytes.Equal(got.said[d], want.said[d]) {
							t.Errorf("pieces of %d, secrets at %d: %s differs", most, when, decoder.Direction(d))
						}
					}
				}
			}
		})
	}
}

func checkInfo(t *testing.T, conv *conversation, got *tls.Info, resumed bool) {
	t.Helper()
	state := &conv.state
	if got.Version != state.Version || got.Suite != state.CipherSuite || got.ALPN != state.NegotiatedProtocol || got.Resumed != state.DidResume || state.DidResume != resumed {
		t.Errorf("got %+v, want version %x, suite %x, ALPN %q, resumed %t", got, state.Version, state.CipherSuite, state.NegotiatedProtocol, state.DidResume)
	}
	switch {
	case resumed:
		if got.Certificate != nil {
			t.Errorf("a resumed session has the certificate %+v", got.Certificate)
		}
	case got.Certificate == nil || got.Certificate.Issuer != state.PeerCertificates[0].Issuer.String():
		t.Errorf("certificate: got %+v, want issuer %s", got.Certificate, state.PeerCertificates[0].Issuer)
	}
	if got.Start == 0 || got.End <= got.Start {
		t.Errorf("the handshake lasts from %d to %d", got.Start, got.End)
	}
}
