// Server answers GET /N with N bytes over HTTP/2, with TLS or without, and takes what is posted to it.
// It prints its address on a line, and exits at the end of its standard input.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"h2trace/scripts/bench/pin"
)

// maxBody bounds the response to one request.
const maxBody = 64 << 20

func main() {
	log.SetFlags(0)
	log.SetPrefix("server: ")
	cpu := flag.Int("cpu", -1, "run on this core only")
	certFile := flag.String("cert", "", "write the certificate here; without it there is no TLS")
	flag.Parse()
	if err := run(*cpu, *certFile); err != nil {
		log.Fatal(err)
	}
}

func run(cpu int, certFile string) error {
	if err := pin.Process(cpu); err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(serve), ReadHeaderTimeout: time.Minute, Protocols: &http.Protocols{}}
	listen := server.Serve
	if certFile != "" {
		cert, err := newCertificate()
		if err != nil {
			return err
		}
		block := &pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}
		if err := os.WriteFile(certFile, pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
		listen = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	server.Protocols.SetHTTP1(certFile == "") // of h2trace --otlp
	server.Protocols.SetHTTP2(certFile != "")
	server.Protocols.SetUnencryptedHTTP2(certFile == "")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return listen(listener)
}

var body = make([]byte, maxBody)

func serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost { // to a collector
		_, _ = io.Copy(io.Discard, r.Body)
		return
	}
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil || n < 0 || n > maxBody {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	// On an error the client has closed the connection, and reports it itself.
	_, _ = w.Write(body[:n])
}

func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "h2trace bench"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
