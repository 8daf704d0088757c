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
	dnsDelay spread
	dnsFail  bool
	dnsLoss  float64
	deadIPv6 bool
	refuse   bool
	tlsDelay spread
	identity identity
	server   server
	faults   faults
	origin   string
	log      string
	dnsLog   string
	command  []string
}

// server is how the proxy speaks HTTP.
type server struct {
	plain, http1, noKeepAlive bool
	window, maxStreams        int
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
	fs.Var(&o.dnsDelay, "dns-delay", "")
	dnsLoss := fs.Float64("dns-loss", 0, "")
	fs.BoolVar(&o.deadIPv6, "dead-ipv6", false, "")
	fs.BoolVar(&o.dnsFail, "dns-fail", false, "")
	fs.BoolVar(&o.refuse, "refuse", false, "")
	fs.Var(&o.tlsDelay, "tls-delay", "")
	fs.BoolVar(&o.server.plain, "plain", false, "")
	fs.BoolVar(&o.server.http1, "http1", false, "")
	fs.BoolVar(&o.server.noKeepAlive, "no-keep-alive", false, "")
	fs.IntVar(&o.server.maxStreams, "max-streams", 0, "")
	fs.StringVar(&o.identity.authority, "authority", "degrade authority", "")
	fs.StringVar(&o.identity.fault, "certificate", "", "")
	badCert := fs.Bool("bad-certificate", false, "")
	fs.Var(&o.faults.delay, "server-delay", "")
	fs.StringVar(&o.faults.retryAfter, "retry-after", "", "")
	fs.Var(&o.faults.header, "header", "")
	fs.IntVar(&o.faults.status, "status", 0, "")
	fs.Int64Var(&o.faults.resetAfter, "reset-after", -1, "")
	fs.Int64Var(&o.faults.truncateAfter, "truncate-after", -1, "")
	fs.BoolVar(&o.faults.corruptZip, "corrupt-zip", false, "")
	fs.Int64Var(&o.faults.every, "every", 1, "")
	fs.IntVar(&o.server.window, "window", 0, "")
	fs.StringVar(&o.origin, "origin", "", "")
	fs.StringVar(&o.log, "log", "", "")
	fs.StringVar(&o.dnsLog, "dns-log", "", "")
	if err := fs.Parse(args); err != nil {
		return nil, fmt.Errorf("%w; see scripts/degrade/doc.go", err)
	}
	o.command = fs.Args()
	o.line.loss, o.dnsLoss = *loss/100, *dnsLoss/100
	if *badCert {
		o.identity.fault = "untrusted"
	}
	var err error
	if o.line.rate, err = parseRate(*rate); err != nil {
		return nil, err
	}
	switch {
	case len(o.command) == 0:
		return nil, errors.New("no COMMAND; see scripts/degrade/doc.go")
	case *loss < 0 || *loss > 100:
		return nil, fmt.Errorf("-loss %v is no percentage", *loss)
	case *dnsLoss < 0 || *dnsLoss > 100:
		return nil, fmt.Errorf("-dns-loss %v is no percentage", *dnsLoss)
	case !o.identity.valid():
		return nil, fmt.Errorf("-certificate %q is not one of untrusted, expired, name", o.identity.fault)
	case o.server.maxStreams < 0:
		return nil, errors.New("-max-streams must not be negative")
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
	n, err := newNetwork(o.line, o.deadIPv6)
	if err != nil {
		return statusFailed, err
	}
	defer n.close()
	trusted, err := o.serve(n, origin, dir)
	if err != nil {
		return statusFailed, err
	}
	scheme := "https"
	if o.server.plain {
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
	r := &resolver{name: proxyName, addr: n.outside, delay: o.dnsDelay, fail: o.dnsFail, loss: o.dnsLoss}
	if o.deadIPv6 {
		r.addr6 = outside6
	}
	if o.dnsLog != "" {
		f, err := os.Create(o.dnsLog)
		if err != nil {
			return "", err
		}
		r.log = json.NewEncoder(f)
	}
	go r.serve(dns)
	certificate, authority, err := o.identity.create(proxyName)
	if err != nil {
		return "", err
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
	if o.server.plain {
		port = 80
	}
	listener, err := net.Listen("tcp4", netip.AddrPortFrom(n.outside, port).String())
	if err != nil {
		return "", err
	}
	if o.tlsDelay.most > 0 {
		listener = &slowListener{listener, o.tlsDelay}
	}
	server := o.server.with(newProxy(origin, o.faults, log))
	if o.server.plain {
		go func() { _ = server.Serve(listener) }()
		return trusted, nil
	}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return trusted, nil
}

// with returns the server of a handler.
func (s *server) with(h http.Handler) *http.Server {
	out := &http.Server{
		Handler:   h,
		HTTP2:     &http.HTTP2Config{MaxReceiveBufferPerStream: s.window, MaxConcurrentStreams: s.maxStreams},
		ErrorLog:  stdlog.New(io.Discard, "", 0), // aborted requests are expected
		Protocols: new(http.Protocols),
	}
	out.Protocols.SetHTTP1(true)
	out.Protocols.SetHTTP2(!s.plain && !s.http1)
	out.Protocols.SetUnencryptedHTTP2(s.plain && !s.http1)
	out.SetKeepAlivesEnabled(!s.noKeepAlive)
	return out
}

// contextWith is context.WithValue with the key as the value.
func contextWith(ctx context.Context, key any) context.Context {
	return context.WithValue(ctx, key, key)
}
