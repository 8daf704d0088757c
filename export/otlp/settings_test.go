package otlp

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseEndpoint(t *testing.T) {
	tests := []struct{ text, traces, shown, err string }{
		{"http://localhost:4318", "http://localhost:4318/v1/traces", "http://localhost:4318", ""},
		{"https://otel.example/", "https://otel.example/v1/traces", "https://otel.example", ""},
		{"https://otel.example/otlp", "https://otel.example/otlp/v1/traces", "https://otel.example/otlp", ""},
		{"http://localhost:4318/v1/traces", "http://localhost:4318/v1/traces", "http://localhost:4318", ""},
		{"https://u:hunter2@otel.example", "https://u:hunter2@otel.example/v1/traces", "https://otel.example", ""},
		{"http://[::1]:4318", "http://[::1]:4318/v1/traces", "http://[::1]:4318", ""},
		{"", "", "", "no URL; the one of a collector is like http://localhost:4318"},
		{"4318", "", "", "no URL"},
		{"localhost:4318", "", "", "no URL"},
		{"grpc://localhost:4317", "", "", "not \"grpc\""},
		{"http://:4318", "", "", "names no host"},
		{"http://a.example?key=hunter2", "", "", "OTEL_EXPORTER_OTLP_HEADERS is for its credentials"},
		{"http://u:hunter2@a b/", "", "", "no URL"},
	}
	for _, tt := range tests {
		e, err := ParseEndpoint(tt.text)
		if err != nil || tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || tt.err == "" || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: got error %v, want %q", tt.text, err, tt.err)
			}
			continue
		}
		if got := e.of(tracesPath); got != tt.traces || e.String() != tt.shown {
			t.Errorf("%q: got %q, %q", tt.text, got, e)
		}
	}
}

// TestSettings has the variables of the OpenTelemetry Protocol Exporter, and errors that show no value.
func TestSettings(t *testing.T) {
	far, err := ParseEndpoint("https://otel.example")
	if err != nil {
		t.Fatal(err)
	}
	s, err := settingsOf(environment("OTEL_EXPORTER_OTLP_HEADERS=api-key=a%20b, x-scope = 7", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=2500", "OTEL_EXPORTER_OTLP_TIMEOUT=1",
		"OTEL_EXPORTER_OTLP_COMPRESSION=none"), "TRACES", far)
	if err != nil || s.header.Get("Api-Key") != "a b" || s.header.Get("X-Scope") != "7" || s.timeout != 2500*time.Millisecond || s.gzip {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := settingsOf(environment(), "TRACES", far); err != nil || !s.gzip || s.timeout != defaultTimeout {
		t.Errorf("got %+v, %v", s, err)
	}
	for pair, want := range map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS=hunter2":                       "OTEL_EXPORTER_OTLP_HEADERS is to be NAME=VALUE",
		"OTEL_EXPORTER_OTLP_HEADERS=a=hunter2%0a":                  "OTEL_EXPORTER_OTLP_HEADERS is to be NAME=VALUE",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS=a b=hunter2":            "OTEL_EXPORTER_OTLP_TRACES_HEADERS is to be",
		"OTEL_EXPORTER_OTLP_TIMEOUT=10s":                           "number of milliseconds",
		"OTEL_EXPORTER_OTLP_COMPRESSION=zstd":                      "gzip or none",
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                         "h2trace speaks http/protobuf alone",
		"OTEL_EXPORTER_OTLP_CERTIFICATE=/does/not/exist":           "OTEL_EXPORTER_OTLP_CERTIFICATE: open /does/not/exist",
		"OTEL_EXPORTER_OTLP_CERTIFICATE=settings_test.go":          "has no certificate in PEM",
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/does/not/exist":    "client certificate of OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY",
		"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY=/does/not/exist/key": "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
	} {
		if _, err := settingsOf(environment(pair), "TRACES", far); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", pair, err, want)
		}
	}
}

// TestTLS trusts the authority of OTEL_EXPORTER_OTLP_CERTIFICATE, and no other, and compresses.
func TestTLS(t *testing.T) {
	var zipped string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { zipped = r.Header.Get("Content-Encoding") }))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	x, said := start(t, server.URL, "OTEL_EXPORTER_OTLP_CERTIFICATE="+file, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip")
	feed(t, x)
	if got := x.Close(30 * time.Second).Spans; got.Sent != spansInRecording || zipped != "gzip" {
		t.Errorf("got %+v, compressed %q, it says %q", got, zipped, said.all())
	}
	x, said = start(t, server.URL)
	x.sender.client.pace.elapsed = 0
	feed(t, x)
	if got := x.Close(30 * time.Second).Spans; got.Dropped != spansInRecording {
		t.Errorf("got %+v", got)
	}
	checkSaid(t, said.all(), []string{"certificate signed by unknown authority; they are dropped"})
}
