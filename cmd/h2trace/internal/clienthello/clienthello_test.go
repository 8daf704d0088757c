package clienthello

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hello returns the first record of a client.
func hello(t testing.TB, c *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		_ = tls.Client(client, c).Handshake() // the test ends it
		_ = client.Close()
	}()
	header := make([]byte, 5)
	if _, err := io.ReadFull(server, header); err != nil {
		t.Fatal(err)
	}
	rest := make([]byte, int(header[3])<<8|int(header[4]))
	if _, err := io.ReadFull(server, rest); err != nil {
		t.Fatal(err)
	}
	return append(header, rest...)
}

// read reads the offer in the first bytes of a client.
func read(b []byte) (Offer, bool) {
	var r Reader
	return r.Take(b)
}

// TestOffer reads what crypto/tls offers.
func TestOffer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config *tls.Config
		want   Offer
	}{
		{
			name:   "HTTP/2",
			config: &tls.Config{ServerName: "goproxy.example", NextProtos: []string{"h2", "http/1.1"}},
			want:   Offer{ALPN: []string{"h2", "http/1.1"}, Versions: []string{"TLS 1.3", "TLS 1.2"}, SNI: "goproxy.example"},
		},
		{
			name:   "no ALPN, one version",
			config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12},
			want:   Offer{Versions: []string{"TLS 1.2"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := hello(t, tt.config)
			got, ok := read(b)
			if diff := cmp.Diff(tt.want, got); diff != "" || !ok {
				t.Errorf("%t, -want +got:\n%s", ok, diff)
			}
			for n := range len(b) {
				if got, ok := read(b[:n]); ok {
					t.Fatalf("the first %d of %d bytes: got %+v", n, len(b), got)
				}
			}
		})
	}
}
