package exchange_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
)

// relay copies what a client and a server say to each other until both have ended, and gives
// it to a Conn. Send is from the client to the server.
func relay(client, server net.Conn, conn *exchange.Conn) {
	var mu sync.Mutex
	var both sync.WaitGroup
	now := func() ktime.Time { return ktime.Clock{}.Time(time.Now()) }
	forward := func(dir decoder.Direction, to, from net.Conn) {
		b := make([]byte, 32<<10)
		for {
			n, err := from.Read(b)
			mu.Lock()
			conn.Data(now(), dir, b[:n]) // before the peer can answer it
			mu.Unlock()
			if _, werr := to.Write(b[:n]); err != nil || werr != nil {
				_ = to.Close()
				return
			}
		}
	}
	both.Go(func() { forward(decoder.Send, server, client) })
	both.Go(func() { forward(decoder.Recv, client, server) })
	both.Wait()
	conn.Close(now(), exchange.EndedByProcess)
}

// A proxy for HTTP/2 without TLS that logs where flow control stalls a stream.
func ExampleConn() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 128<<10))
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()

	empty := make(chan struct{}) // closed when the server has used its window
	var once sync.Once
	stalled := make(map[uint32]bool)
	hooks := exchange.Hooks{
		Frame: func(f *decoder.Frame) {
			if w := f.Window.StreamRecv; f.Type == decoder.TypeData && w.Known && w.Bytes == 0 {
				once.Do(func() { close(empty) })
			}
		},
		Stall: func(s *exchange.Stall) {
			if !stalled[s.Stream] {
				stalled[s.Stream] = true
				fmt.Printf("stream %d: the server has used its window of %d bytes\n", s.Stream, s.Window)
			}
		},
		Exchange: func(e *exchange.Exchange) {
			fmt.Printf("stream %d: %s %d, %d bytes, stalled: %v\n",
				e.Stream, e.Method, e.Status, e.ResponseBytes, e.RecvStall > 0)
		},
	}

	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		client, err := proxy.Accept()
		if err != nil {
			return
		}
		upstream, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			return
		}
		known := decoder.Config{Role: decoder.Client, FromStart: true}
		relay(client, upstream, exchange.NewConn(exchange.ConnConfig{Scheme: "http", Decoder: known}, hooks))
	}()

	// The client takes 64 kB of a stream ahead of its reader, which waits until they are there.
	transport := &http.Transport{
		Protocols: server.Config.Protocols,
		HTTP2:     &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10},
	}
	response, err := (&http.Client{Transport: transport}).Get("http://" + proxy.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	<-empty
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	transport.CloseIdleConnections()
	<-done

	// Output:
	// stream 1: the server has used its window of 65536 bytes
	// stream 1: GET 200, 131072 bytes, stalled: true
}
