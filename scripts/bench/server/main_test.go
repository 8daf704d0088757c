package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestServe checks the answers over HTTP/2, with the certificate trusted.
func TestServe(t *testing.T) {
	cert, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(serve))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	parsed, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
	}}
	defer client.CloseIdleConnections()
	tests := []struct {
		path   string
		status int
		size   int64
	}{
		{"/0", 200, 0},
		{"/100", 200, 100},
		{"/1000000", 200, 1000000},
		{"/-1", 404, -1},
		{"/99999999999", 404, -1},
		{"/x", 404, -1},
	}
	for _, tt := range tests {
		resp, err := client.Get(srv.URL + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != tt.status || resp.ProtoMajor != 2 || tt.size >= 0 && n != tt.size {
			t.Errorf("%s: got %s %d with %d bytes, want %d with %d", tt.path, resp.Proto, resp.StatusCode, n, tt.status, tt.size)
		}
	}
}
