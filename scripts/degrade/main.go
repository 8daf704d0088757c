package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// proxyName is the host of the proxy that the command gets.
const proxyName = "goproxy.example"

// statusFailed is the exit status of degrade itself.
const statusFailed = 125

func main() {
	if os.Args[0] == stageName {
		os.Exit(runStage(os.Args[1:]))
	}
	// The command must end with the thread that started it.
	runtime.LockOSThread()
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "degrade: %v\n", err)
	}
	os.Exit(status)
}

// options is the command line.
type options struct {
	line     lineConfig
	dnsDelay time.Duration
	dnsFail  bool
	refuse   bool
	tlsDelay time.Duration
	badCert  bool
	plain    bool
	faults   faults
	window   int
	origin   string
	log      string
	dnsLog   string
	command  []string
}

func parse(args []string) (*options, error) {
	var o options
	fs := flag.NewFlagSet("degrade", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	loss := fs.Float64("loss", 0, "")
	fs.IntVar(&o.line.lossAfter, "loss-after", 0, "")
	rate := fs.String("rate", "", "")
	fs.DurationVar(&o.line.delay, "delay", 0, "")
	fs.DurationVar(&o.line.jitter, "jitter", 0, "")
	fs.DurationVar(&o.dnsDelay, "dns-delay", 0, "")
	fs.BoolVar(&o.dnsFail, "dns-fail", false, "")
	fs.BoolVar(&o.refuse, "refuse", false, "")
	fs.DurationVar(&o.tlsDelay, "tls-delay", 0, "")
	fs.BoolVar(&o.plain, "plain", false, "")
	fs.BoolVar(&o.badCert, "bad-certificate", false, "")
	fs.DurationVar(&o.faults.delay, "server-delay", 0, "")
	fs.IntVar(&o.faults.status, "status", 0, "")
	fs.Int64Var(&o.faults.resetAfter, "reset-after", -1, "")
	fs.Int64Var(&o.faults.truncateAfter, "truncate-after", -1, "")
	fs.BoolVar(&o.faults.corruptZip, "corrupt-zip", false, "")
	fs.Int64Var(&o.faults.every, "every", 1, "")
	fs.IntVar(&o.window, "window", 0, "")
	fs.StringVar(&o.origin, "origin", "", "")
	fs.StringVar(&o.log, "log", "", "")
	fs.StringVar(&o.dnsLog, "dns-log", "", "")
	if err := fs.Parse(args); err != nil {
		return nil, fmt.Errorf("%w; see scripts/degrade/doc.go", err)
	}
	o.command = fs.Args()
	o.line.loss = *loss / 100
	var err error
	if o.line.rate, err = parseRate(*rate); err != nil {
		return nil, err
	}
	switch {
	case len(o.command) == 0:
		return nil, errors.New("no COMMAND; see scripts/degrade/doc.go")
	case *loss < 0 || *loss > 100:
		return nil, fmt.Errorf("-loss %v is no percentage", *loss)
	case o.line.delay < 0 || o.line.jitter < 0 || o.line.jitter > 2*o.line.delay && o.line.jitter > 0:
		return nil, errors.New("-jitter must not be more than twice -delay, and neither negative")
	case o.faults.every < 1:
		return nil, errors.New("-every must be at least 1")
	case o.faults.status != 0 && (o.faults.status < 200 || o.faults.status > 599):
		return nil, fmt.Errorf("-status %d is no final status", o.faults.status)
	}
	return &o, nil
}

// parseRate parses bits per second, with an optional k, M or G; "" is no limit.
func parseRate(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	unit := int64(1)
	switch number, suffix := s[:len(s)-1], s[len(s)-1]; suffix {
	case 'k':
		unit, s = 1e3, number
	case 'M':
		unit, s = 1e6, number
	case 'G':
		unit, s = 1e9, number
	}
	var n float64
	if _, err := fmt.Sscanf(s, "%g", &n); err != nil || n <= 0 {
		return 0, fmt.Errorf("-rate %q is no number of bits a second, such as 8M", s)
	}
	return int64(n * float64(unit)), nil
}

// run runs a degraded command and returns its status.
func run(args []string) (int, error) {
	o, err := parse(args)
	if err != nil {
		return 2, err
	}
	if os.Geteuid() != 0 {
		return statusFailed, errors.New("takes root, to make a network namespace")
	}
	origin, err := originOf(o.origin)
	if err != nil {
		return statusFailed, err
	}
	dir, err := os.MkdirTemp("", "degrade-")
	if err != nil {
		return statusFailed, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // only a leftover, in the directory for temporary files
	n, err := newNetwork(o.line)
	if err != nil {
		return statusFailed, err
	}
	defer n.close()
	trusted, err := o.serve(n, origin, dir)
	if err != nil {
		return statusFailed, err
	}
	scheme := "https"
	if o.plain {
		scheme = "http"
	}
	return n.run(o.command, dir, []string{"GOPROXY=" + scheme + "://" + proxyName, "SSL_CERT_FILE=" + trusted, "SSL_CERT_DIR=" + dir})
}

// originOf returns the URL of the proxy to fetch from.
func originOf(s string) (*url.URL, error) {
	if s == "" {
		out, err := exec.Command("go", "env", "GOPROXY").Output()
		if err != nil {
			return nil, fmt.Errorf("go env GOPROXY: %w", err)
		}
		s, _, _ = strings.Cut(strings.ReplaceAll(strings.TrimSpace(string(out)), "|", ","), ",")
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("origin %q is no URL of a proxy; name one with -origin", s)
	}
	return u, nil
}

// serve starts the resolver and the proxy. It returns the file with the certificate that
// the command must trust.
func (o *options) serve(n *network, origin *url.URL, dir string) (trusted string, err error) {
	dns, err := net.ListenPacket("udp4", netip.AddrPortFrom(n.outside, 53).String())
	if err != nil {
		return "", err
	}
	r := &resolver{name: proxyName, addr: n.outside, delay: o.dnsDelay, fail: o.dnsFail}
	if o.dnsLog != "" {
		f, err := os.Create(o.dnsLog)
		if err != nil {
			return "", err
		}
		r.log = json.NewEncoder(f)
	}
	go r.serve(dns)
	certificate, authority, err := newCertificate(proxyName)
	if err != nil {
		return "", err
	}
	if o.badCert {
		if _, authority, err = newCertificate(proxyName); err != nil {
			return "", err
		}
	}
	trusted = filepath.Join(dir, "authority.pem")
	if err := os.WriteFile(trusted, authority, 0o644); err != nil {
		return "", err
	}
	if o.refuse {
		return trusted, nil
	}
	var log io.Writer
	if o.log != "" {
		if log, err = os.Create(o.log); err != nil {
			return "", err
		}
	}
	port := uint16(443)
	if o.plain {
		port = 80
	}
	listener, err := net.Listen("tcp4", netip.AddrPortFrom(n.outside, port).String())
	if err != nil {
		return "", err
	}
	if o.tlsDelay > 0 {
		listener = &slowListener{listener, o.tlsDelay}
	}
	server := &http.Server{
		Handler:   newProxy(origin, o.faults, log),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		HTTP2:     &http.HTTP2Config{MaxReceiveBufferPerStream: o.window},
		ErrorLog:  stdlog.New(io.Discard, "", 0), // aborted requests are expected
	}
	if o.plain {
		server.Protocols = new(http.Protocols)
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		go func() { _ = server.Serve(listener) }()
	} else {
		go func() { _ = server.ServeTLS(listener, "", "") }()
	}
	return trusted, nil
}

// contextWith is context.WithValue with the key as the value.
func contextWith(ctx context.Context, key any) context.Context {
	return context.WithValue(ctx, key, key)
}
