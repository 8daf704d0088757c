package main

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// newServer starts a server that answers with 100 bytes and counts requests.
func newServer(t *testing.T) (*httptest.Server, *http.Client, *atomic.Int64) {
	var served atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/100" {
			http.NotFound(w, r)
			return
		}
		served.Add(1)
		_, _ = io.WriteString(w, strings.Repeat("x", 100))
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	cert := filepath.Join(t.TempDir(), "cert.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}
	if err := os.WriteFile(cert, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := newClient(cert)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return srv, client, &served
}

// TestLoad checks that the client reports what the server served.
func TestLoad(t *testing.T) {
	srv, client, served := newServer(t)
	l := load{clients: []*http.Client{client}, url: srv.URL + "/100", workers: 4, warmup: 20 * time.Millisecond, duration: 50 * time.Millisecond}
	r, err := l.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.TotalRequests != served.Load() {
		t.Errorf("got %d requests, the server served %d", r.TotalRequests, served.Load())
	}
	if r.Requests <= 0 || r.Requests >= r.TotalRequests || r.Seconds < 0.05 {
		t.Errorf("got %+v", r)
	}
}

func TestLoadRate(t *testing.T) {
	srv, client, _ := newServer(t)
	l := load{clients: []*http.Client{client}, url: srv.URL + "/100", workers: 4, rate: 200, duration: 500 * time.Millisecond}
	r, err := l.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// Never more than are due; fewer only on a slow machine.
	if due := int64(200*r.Seconds) + 2; r.Requests > due || r.Requests+int64(r.Late) < due/2 {
		t.Errorf("got %d requests and %d late, %d were due", r.Requests, r.Late, due)
	}
}

func TestLoadFails(t *testing.T) {
	srv, client, _ := newServer(t)
	l := load{clients: []*http.Client{client}, url: srv.URL + "/missing", workers: 1, duration: time.Second}
	if _, err := l.run(context.Background()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want 404", err)
	}
}

// TestLoadSpreads checks that each client opens one connection, and uses it again.
func TestLoadSpreads(t *testing.T) {
	var opened atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.Protocols = &http.Protocols{}
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	l := load{url: srv.URL, workers: 2, rate: 100, duration: 100 * time.Millisecond}
	for range 3 {
		client, err := newClient("")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.CloseIdleConnections)
		l.clients = append(l.clients, client)
	}
	r, err := l.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if opened.Load() != 3 || r.TotalRequests <= 3 {
		t.Errorf("got %d connections and %d requests, want 3 and more", opened.Load(), r.TotalRequests)
	}
}
