// Command h2client is an HTTP/2 client for tests. It plays one scenario against an
// h2server and exits with 0 when it went as expected.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

// client is the environment of a scenario.
type client struct {
	http *http.Client
	base string
	turn int
}

// scenarios by name; each is bounded by -timeout.
var scenarios = map[string]func(context.Context, *client) error{
	"get": get, "post": post, "trailers": trailers, "headers": headers, "streams": streams,
	"reset": reset, "abort": abort, "early": early, "ping": ping, "goaway": goAway,
	"tiny": tiny, "table": table, "once": once, "upload": upload, "cancel": cancelOnce,
	"bulk": bulk,
}

func main() {
	base := flag.String("url", "", "base URL of the server")
	impl := flag.String("impl", "net", "net for net/http, x for golang.org/x/net/http2")
	scenario := flag.String("scenario", "get", "what to do, as a comma-separated list")
	window := flag.Int("window", 0, "receive window of a stream, in bytes; 0 for the default")
	repeat := flag.Bool("repeat", false, "play the scenario again and again until stdin ends")
	tableSize := flag.Int("table", 0, "size of header tables, in bytes; 0 for the default")
	pingAfter := flag.Duration("ping", 0, "ping the server after this much silence")
	pong := flag.Duration("pong", 0, "give up a connection whose ping is not answered for this long; 0 for the default")
	timeout := flag.Duration("timeout", time.Minute, "give up after this long")
	view := flag.Bool("view", false, "print the windows that the client itself keeps (with -impl x)")
	plain := flag.Bool("plain", false, "speak HTTP/2 without TLS, with prior knowledge")
	timings := flag.String("timings", "", "write to this file what net/http/httptrace says of each request")
	pause := flag.Duration("pause", 0, "with -timings, how late responses are to begin, and to end")
	partly := flag.Bool("unended", false, "send requests that are not answered to their end, see unended")
	all := flag.Bool("each", false, "get each URL that is an argument, over a connection of its own, until stdin ends")
	flag.Parse()

	if *partly {
		if err := unended(); err != nil {
			log.Fatal(err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	conf := &http.HTTP2Config{MaxReceiveBufferPerStream: *window, SendPingTimeout: *pingAfter, PingTimeout: *pong}
	conf.MaxDecoderHeaderTableSize, conf.MaxEncoderHeaderTableSize = *tableSize, *tableSize
	if *window != 0 {
		conf.MaxReceiveBufferPerConnection = max(*window, 1<<16)
	}
	transport := func() *http.Transport {
		tr := &http.Transport{ForceAttemptHTTP2: true, HTTP2: conf}
		if *plain {
			tr.Protocols = new(http.Protocols)
			tr.Protocols.SetUnencryptedHTTP2(true)
		}
		return tr
	}
	if *all {
		each(ctx, transport, flag.Args())
		return
	}
	tr := transport()
	c := &client{http: &http.Client{Transport: tr}, base: *base}
	var cc *http2.ClientConn
	if *impl == "x" {
		var err error
		if cc, err = dial(ctx, tr, *base, *plain); err != nil {
			log.Fatal(err)
		}
		c.http.Transport = cc
	}
	var timed *timedTransport
	if *timings != "" {
		var err error
		if timed, err = newTimedTransport(c.http.Transport, *timings, *pause); err != nil {
			log.Fatal(err)
		}
		c.http.Transport = timed
	}
	names := strings.Split(*scenario, ",")
	if err := play(ctx, c, names); err != nil {
		log.Fatal(err)
	}
	if *repeat {
		if err := playOn(ctx, c, names); err != nil {
			log.Fatal(err)
		}
	}
	if timed != nil && timed.err != nil {
		log.Fatal(timed.err)
	}
	if cc == nil {
		tr.CloseIdleConnections()
		return
	}
	if *view {
		if err := printView(ctx, cc); err != nil {
			log.Fatal(err)
		}
	}
	if err := cc.Close(); err != nil {
		log.Fatal(err)
	}
}

func play(ctx context.Context, c *client, names []string) error {
	for _, name := range names {
		s, ok := scenarios[name]
		if !ok {
			return fmt.Errorf("no scenario %q", name)
		}
		if err := s(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// playOn plays until stdin ends, with a short pause between two turns.
func playOn(ctx context.Context, c *client, names []string) error {
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(done)
	}()
	for {
		select {
		case <-done:
			return nil
		case <-time.After(time.Millisecond):
		}
		if err := play(ctx, c, names); err != nil {
			return err
		}
	}
}

// dial opens one connection of golang.org/x/net/http2.
func dial(ctx context.Context, tr *http.Transport, base string, plain bool) (*http2.ClientConn, error) {
	h2, err := http2.ConfigureTransports(tr)
	if err != nil {
		return nil, err
	}
	dial := (&tls.Dialer{Config: &tls.Config{NextProtos: []string{"h2"}}}).DialContext
	if plain {
		dial = (&net.Dialer{}).DialContext
	}
	_, host, _ := strings.Cut(base, "://")
	conn, err := dial(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return h2.NewClientConn(conn)
}

// printView prints the windows of cc once two PINGs in a row found them unchanged: cc
// has then read everything that the server has sent.
func printView(ctx context.Context, cc *http2.ClientConn) error {
	var last []int64
	for range 100 {
		if err := cc.Ping(ctx); err != nil {
			return err
		}
		now := windowsOf(cc)
		if slices.Equal(now, last) {
			return json.NewEncoder(os.Stdout).Encode(map[string]int64{"conn_send": now[0], "conn_recv": now[1]})
		}
		last = now
	}
	return errors.New("windows never came to rest")
}
