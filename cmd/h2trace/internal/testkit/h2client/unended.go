package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"
)

// unendedPause is how long to wait for a missing response, or for the rest of one.
const unendedPause = 200 * time.Millisecond

// unended sends requests that get no response, or a part of one, to servers in this
// process. It prints its process id, starts after a line on stdin, then prints
// "open", and ends with its stdin.
func unended() error {
	fmt.Println(os.Getpid())
	stdin := bufio.NewReader(os.Stdin)
	if _, err := stdin.ReadString('\n'); err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, start := range []func(*site){(*site).overH2, (*site).overH2C, (*site).overTLS, (*site).overTCP} {
		s := newSite()
		start(s)
		for _, path := range []string{"/hang", "/body", "/reset", "/short", "/grpc"} {
			all.Go(func() { s.ask(path) })
		}
		go s.ask("/watch")
		<-s.reached["/watch"]
	}
	lost, err := deaf()
	if err != nil {
		return err
	}
	all.Go(func() { lost.ask("/lost") })
	all.Wait()
	time.Sleep(unendedPause)
	fmt.Println("open")
	_, err = io.Copy(io.Discard, stdin)
	return err
}

// site is a server and its client.
type site struct {
	server  *httptest.Server
	client  *http.Client
	tr      *http.Transport
	url     string
	reached map[string]chan struct{} // the server has the request for a path
	begun   chan struct{}            // the client has the beginning of the response that is reset
}

func newSite() *site {
	s := &site{reached: make(map[string]chan struct{}), begun: make(chan struct{})}
	for _, path := range []string{"/hang", "/watch"} {
		s.reached[path] = make(chan struct{})
	}
	s.server = httptest.NewUnstartedServer(s)
	s.server.Config.Protocols = new(http.Protocols)
	s.tr = &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	s.client = &http.Client{Transport: s.tr}
	return s
}

func (s *site) overH2() {
	s.server.EnableHTTP2 = true
	s.server.Config.Protocols.SetHTTP2(true)
	s.tr.Protocols.SetHTTP2(true)
	s.server.StartTLS()
	s.url = s.server.URL
}

func (s *site) overH2C() {
	s.server.Config.Protocols.SetUnencryptedHTTP2(true)
	s.tr.Protocols.SetUnencryptedHTTP2(true)
	s.server.Start()
	s.url = s.server.URL
}

func (s *site) overTLS() {
	s.server.Config.Protocols.SetHTTP1(true)
	s.tr.Protocols.SetHTTP1(true)
	s.server.StartTLS()
	s.url = s.server.URL
}

func (s *site) overTCP() {
	s.server.Config.Protocols.SetHTTP1(true)
	s.tr.Protocols.SetHTTP1(true)
	s.server.Start()
	s.url = s.server.URL
}

// deaf starts a server that reads and sends only its SETTINGS. The client pings it in
// vain, and abandons the connection.
func deaf() (*site, error) {
	s := newSite()
	s.overH2()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: s.server.TLS.Certificates, NextProtos: []string{"h2"}})
	if err != nil {
		return nil, err
	}
	s.url = "https://" + ln.Addr().String()
	s.tr.HTTP2 = &http.HTTP2Config{SendPingTimeout: unendedPause, PingTimeout: unendedPause}
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		_, err = c.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
		_, readErr := io.Copy(io.Discard, c)
		_ = errors.Join(err, readErr, c.Close()) // the client closes first
	}()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := func() {
		_, err := io.WriteString(w, "begin")
		_ = errors.Join(err, http.NewResponseController(w).Flush()) // the client notices
	}
	switch r.URL.Path {
	case "/hang", "/watch":
		close(s.reached[r.URL.Path])
	case "/body":
		begin()
	case "/reset":
		begin()
		<-s.begun
		time.Sleep(unendedPause)
		panic(http.ErrAbortHandler)
	case "/short":
		w.Header().Set("Content-Length", "100")
		begin()
		return
	case "/grpc":
		w.Header().Set("Content-Type", "application/grpc")
		begin()
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "5")
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", "no%20such thing")
		return
	}
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// ask sends a request. A waiting one is canceled a pause after the server has it, or
// after its response began.
func (s *site) ask(path string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if path == "/hang" {
		go func() {
			<-s.reached[path]
			time.Sleep(unendedPause)
			cancel()
		}()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, len("begin"))); err == nil {
		switch path {
		case "/reset":
			close(s.begun)
		case "/body":
			time.Sleep(unendedPause)
			cancel()
		}
	}
	_, _ = io.Copy(io.Discard, resp.Body) // it fails as it should
	_ = resp.Body.Close()
}
