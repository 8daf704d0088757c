// Command h2server is an HTTP/2 server for tests. It prints its address on stdout,
// serves on loopback until its stdin ends, then shuts down gracefully.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

func main() {
	cert := flag.String("cert", "", "PEM file with the certificate")
	key := flag.String("key", "", "PEM file with its key")
	impl := flag.String("impl", "net", "net for net/http, x for golang.org/x/net/http2")
	window := flag.Int("window", 0, "receive window of a stream, in bytes; 0 for the default")
	streams := flag.Int("streams", 0, "concurrent streams; 0 for the default")
	ping := flag.Duration("ping", 0, "ping a connection after this much silence")
	tableSize := flag.Int("table", 0, "size of header tables, in bytes; 0 for the default")
	frameSize := flag.Int("frame", 0, "bytes of a frame that it reads; 0 for the default")
	plain := flag.Bool("plain", false, "speak HTTP without TLS")
	flag.Parse()

	conf := &http.HTTP2Config{MaxConcurrentStreams: *streams, MaxReceiveBufferPerStream: *window, SendPingTimeout: *ping, MaxReadFrameSize: *frameSize}
	conf.MaxDecoderHeaderTableSize, conf.MaxEncoderHeaderTableSize = *tableSize, *tableSize
	if *window != 0 {
		conf.MaxReceiveBufferPerConnection = max(*window, 1<<16)
	}
	srv := &http.Server{Handler: paused(handler()), HTTP2: conf}
	if *impl == "x" {
		if err := http2.ConfigureServer(srv, nil); err != nil {
			log.Fatal(err)
		}
	}
	switch {
	case *plain && *impl == "x": // also by upgrade
		srv.Handler = h2c.NewHandler(srv.Handler, &http2.Server{})
	case *plain:
		srv.Protocols = new(http.Protocols)
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
	}
	if err := serve(srv, *cert, *key, *plain); err != nil {
		log.Fatal(err)
	}
}

func serve(srv *http.Server, certFile, keyFile string, plain bool) error {
	if !plain {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return err
		}
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	served := make(chan error, 1)
	go func() {
		if plain {
			served <- srv.Serve(ln)
			return
		}
		served <- srv.ServeTLS(ln, "", "")
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return err
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Count", strconv.FormatInt(n, 10))
	})
	mux.HandleFunc("/size", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		_, _ = io.WriteString(w, strings.Repeat("0123456789abcdef", n/16))
	})
	mux.HandleFunc("/after", func(w http.ResponseWriter, r *http.Request) { // the whole request
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			_, _ = io.WriteString(w, "read to the end")
		}
	})
	mux.HandleFunc("/trailers", trailers)
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		for i := range n {
			w.Header().Set(fmt.Sprintf("X-Large-%03d", i), strings.Repeat("<v"+strconv.Itoa(i)+">", 200))
		}
		w.Header().Set("X-Got", strconv.Itoa(len(r.Header)))
	})
	mux.HandleFunc("/mirror", func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if strings.HasPrefix(name, "X-") {
				w.Header()[name] = values
			}
		}
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, r *http.Request) {
		// An answer without reading the body resets the stream.
		w.WriteHeader(http.StatusForbidden)
	})
	mux.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half an answer")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first bytes")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		d, _ := time.ParseDuration(r.FormValue("d"))
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/push", func(w http.ResponseWriter, r *http.Request) {
		if p, ok := w.(http.Pusher); ok {
			_ = p.Push("/size?n=16", nil) // the client may have disabled it
		}
	})
	mux.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // GOAWAY after this response
	})
	return mux
}

// trailers answers with the body and the trailers of the request.
func trailers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "X-Length, X-Sum")
	n, err := io.Copy(w, r.Body)
	if err != nil {
		return
	}
	w.Header().Set("X-Length", strconv.FormatInt(n, 10))
	w.Header().Set("X-Sum", r.Trailer.Get("X-Sum"))
	w.Header().Set(http.TrailerPrefix+"X-Undeclared", "also sent")
}
