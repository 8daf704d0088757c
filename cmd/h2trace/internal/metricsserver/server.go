// Package metricsserver serves metrics to Prometheus while h2trace runs. Whoever asks, how often
// and how slowly, takes a bounded part of what h2trace has.
package metricsserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// The limits of the endpoint. Prometheus itself gives up after 10 s, if not told otherwise.
const (
	maxConns       = 32
	maxScrapes     = 4 // at once
	maxHeaderBytes = 16 << 10
	readTimeout    = 5 * time.Second // of a request, headers and all
	scrapeTimeout  = 10 * time.Second
	writeTimeout   = scrapeTimeout + 5*time.Second
	idleTimeout    = 2 * time.Minute
	closeTimeout   = time.Second // for scrapes that are under way at the end
)

// Server is the endpoint of metrics.
type Server struct {
	http     *http.Server
	listener net.Listener
	done     chan struct{}
}

// Start listens on an address and serves what it gathers.
func Start(a Address, from prometheus.Gatherer) (*Server, error) {
	l, err := net.Listen("tcp", string(a))
	if err != nil {
		return nil, explain(a, err)
	}
	s := &Server{
		http: &http.Server{
			Handler:           handler(from),
			ReadTimeout:       readTimeout,
			ReadHeaderTimeout: readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          log.New(io.Discard, "", 0), // who asks wrongly learns it from the answer
		},
		listener: l,
		done:     make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(netutil.LimitListener(l, maxConns)) // it ends with Close only
	}()
	return s, nil
}

// explain says what to do about an address on which nobody can listen.
func explain(a Address, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("--metrics: another program listens on %s; give another port", a)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("--metrics: %s is no address of this host", a)
	}
	return fmt.Errorf("--metrics: %w", err)
}

// URL returns where the metrics are.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/metrics" }

// Public reports whether other hosts may reach it.
func (s *Server) Public() bool { return !isLoopback(s.listener.Addr()) }

// Close ends the endpoint, after the scrapes that are under way.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // there is nobody to tell
	}
	<-s.done
}

// page is what a person finds.
const page = `<!doctype html>
<html lang="en"><title>h2trace</title>
<p>h2trace is observing. Prometheus finds its metrics at <a href="/metrics">/metrics</a>.
</html>
`

// handler serves the metrics and the page.
func handler(from prometheus.Gatherer) http.Handler {
	scrape := promhttp.HandlerFor(from, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes, Timeout: scrapeTimeout, ErrorHandling: promhttp.HTTPErrorOnError,
	})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", scrape) // and HEAD
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'")
		_, _ = io.WriteString(w, page)
	})
	return mux
}
