//go:build linux

package trace

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/flows"
	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/wiretap"
	"h2trace/decoder/capture"
)

// recording is requests of net/http over connections that a Tap records.
type recording struct {
	tls, http2 bool
	v6         bool
	version    uint16 // of TLS, 0 for the newest
	bodies     int    // bytes of each response
}

// record returns the packets of a conversation, and its session secrets.
func (c recording) record(t testing.TB) (packets []wiretap.Packet, secrets []byte) {
	t.Helper()
	wire := wiretap.New(1448)
	addr := netip.MustParseAddrPort("203.0.113.5:8443")
	if c.v6 {
		addr = netip.MustParseAddrPort("[2001:db8::5]:8443")
	}
	listener, dial := wire.Listener(addr)
	var protocols http.Protocols
	protocols.SetHTTP1(!c.http2)
	protocols.SetHTTP2(c.http2 && c.tls)
	protocols.SetUnencryptedHTTP2(c.http2 && !c.tls)
	server := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Etag", r.URL.Path)
		_, _ = io.WriteString(w, strings.Repeat("0123456789", c.bodies/10))
	})}
	transport := &http.Transport{Protocols: &protocols, DialContext: func(context.Context, string, string) (net.Conn, error) { return dial(), nil }}
	var keys bytes.Buffer
	scheme := "http"
	if c.tls {
		scheme = "https"
		local := httptest.NewUnstartedServer(nil)
		local.StartTLS()
		defer local.Close()
		server.TLSConfig = &tls.Config{Certificates: local.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}, MaxVersion: c.version}
		roots := x509.NewCertPool()
		roots.AddCert(local.Certificate())
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com", KeyLogWriter: &keys}
		go func() { _ = server.ServeTLS(listener, "", "") }()
	} else {
		go func() { _ = server.Serve(listener) }()
	}
	client := &http.Client{Transport: transport}
	for i := range 5 {
		resp, err := client.Post(fmt.Sprintf("%s://%s/mod/@v/%d.info", scheme, addr, i), "text/plain", strings.NewReader("a question"))
		do(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		do(t, errors.Join(err, resp.Body.Close()))
		wire.Wait(30 * time.Millisecond)
	}
	transport.CloseIdleConnections()
	do(t, server.Close())
	return wire.Packets(), keys.Bytes()
}

// replayed returns the events of a capture.
func replayed(t testing.TB, file []byte, secrets []byte) (lines []string, counts flows.Counts) {
	t.Helper()
	var out bytes.Buffer
	r := NewReplay(ReplayOptions{ShowSecrets: true}, contract.Checked(t, &out))
	_, err := r.Secrets(bytes.NewReader(secrets))
	do(t, err)
	do(t, feedCapture(r, file))
	counts, err = r.Finish()
	do(t, err)
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), counts
}

// feedCapture gives a Replay what a file holds.
func feedCapture(r *Replay, file []byte) error {
	in, err := capture.NewReader(bytes.NewReader(file))
	for err == nil {
		var item capture.Item
		switch item, err = in.Next(); item := item.(type) {
		case *capture.Packet:
			err = r.Packet(item)
		case *capture.Secrets:
			_, err = r.Secrets(item.Reader())
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func pcapOf(t testing.TB, packets []wiretap.Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	do(t, wiretap.WritePcap(&b, &wiretap.Framings[0], 0, packets))
	return b.Bytes()
}

// withoutUsage returns events without what the agent used.
func withoutUsage(lines []string) (list []string) {
	for _, line := range lines {
		if before, after, ok := strings.Cut(line, `"agent":{`); ok {
			_, after, _ = strings.Cut(after, "}")
			line = before + after
		}
		list = append(list, line)
	}
	return list
}
