package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// settings are those of a signal that the environment has (OpenTelemetry Protocol Exporter).
type settings struct {
	header  http.Header
	timeout time.Duration // of a request
	gzip    bool
	tls     *tls.Config
}

// defaultTimeout is that of OTEL_EXPORTER_OTLP_TIMEOUT.
const defaultTimeout = 10 * time.Second

// maxTimeout bounds it: what waits meanwhile is dropped.
const maxTimeout = time.Minute

// lookup returns a variable of OTEL_EXPORTER_OTLP_, and its name. The one for a signal, TRACES or
// METRICS, comes before that for all.
func lookup(getenv func(string) string, signal, name string) (variable, value string) {
	for _, variable = range []string{"OTEL_EXPORTER_OTLP_" + signal + "_" + name, "OTEL_EXPORTER_OTLP_" + name} {
		if value = strings.TrimSpace(getenv(variable)); value != "" {
			return variable, value
		}
	}
	return "", ""
}

// settingsOf reads the environment. Its errors do not show values, which may be secrets.
func settingsOf(getenv func(string) string, signal string, e Endpoint) (settings, error) {
	s := settings{timeout: defaultTimeout, gzip: !e.isLocal(), header: make(http.Header)}
	if variable, v := lookup(getenv, signal, "TIMEOUT"); v != "" {
		ms, err := strconv.Atoi(v)
		if err != nil || ms <= 0 {
			return s, fmt.Errorf("%s is to be a number of milliseconds", variable)
		}
		s.timeout = min(time.Duration(ms)*time.Millisecond, maxTimeout)
	}
	switch variable, v := lookup(getenv, signal, "COMPRESSION"); v {
	case "":
	case "gzip", "none":
		s.gzip = v == "gzip"
	default:
		return s, fmt.Errorf("%s is to be gzip or none", variable)
	}
	if variable, v := lookup(getenv, signal, "PROTOCOL"); v != "" && v != "http/protobuf" {
		return s, fmt.Errorf("%s asks for %q; h2trace speaks http/protobuf alone", variable, v)
	}
	if variable, v := lookup(getenv, signal, "HEADERS"); v != "" && !s.addHeaders(v) {
		return s, fmt.Errorf("%s is to be NAME=VALUE,NAME=VALUE, with percent-encoded values", variable)
	}
	return s, s.readCertificates(getenv, signal)
}

// addHeaders adds a list of fields, in the form of W3C Baggage.
func (s *settings) addHeaders(list string) bool {
	for pair := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return false
		}
		s.header.Set(name, value)
	}
	return true
}

// readCertificates reads the files of TLS.
func (s *settings) readCertificates(getenv func(string) string, signal string) error {
	authority, file := lookup(getenv, signal, "CERTIFICATE")
	client, certificate := lookup(getenv, signal, "CLIENT_CERTIFICATE")
	key, keyFile := lookup(getenv, signal, "CLIENT_KEY")
	if file == "" && certificate == "" && keyFile == "" {
		return nil
	}
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	if file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s: %w", authority, err)
		}
		s.tls.RootCAs = x509.NewCertPool()
		if !s.tls.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s: %s has no certificate in PEM", authority, file)
		}
	}
	if certificate == "" && keyFile == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(certificate, keyFile)
	if err != nil {
		return fmt.Errorf("client certificate of %s and %s: %w", orName(client, "CLIENT_CERTIFICATE"), orName(key, "CLIENT_KEY"), err)
	}
	s.tls.Certificates = []tls.Certificate{pair}
	return nil
}

func orName(variable, name string) string {
	if variable == "" {
		return "OTEL_EXPORTER_OTLP_" + name
	}
	return variable
}
