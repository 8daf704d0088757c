package decoder_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// tap is a connection that gives what it carries to a decoder. Two goroutines of net/http use
// it, a decoder is for one at a time.
type tap struct {
	net.Conn
	mu      sync.Mutex
	decoder *decoder.Conn
	clock   ktime.Clock
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.decoder.Data(t.clock.Time(time.Now()), decoder.Recv, b[:n])
	return n, err
}

// Write decodes a request before it is sent: its response cannot come first.
func (t *tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.decoder.Data(t.clock.Time(time.Now()), decoder.Send, b)
	t.mu.Unlock()
	return t.Conn.Write(b)
}

// printer prints the frames of streams, and the credit that is left.
type printer struct{}

func (printer) Protocol(ktime.Time, decoder.Protocol, bool) {}
func (printer) Resync(ktime.Time, decoder.Direction, int64) {}

func (printer) Frame(f *decoder.Frame) {
	if f.StreamID == 0 {
		return // SETTINGS of both sides come in any order
	}
	fmt.Printf("%v %v stream=%d flags=%v\n", f.Dir, f.Type, f.StreamID, f.Flags.Names(f.Type))
	for _, field := range f.Headers {
		if field.Name == ":path" || field.Name == ":status" {
			fmt.Printf("     %s: %s\n", field.Name, field.Value)
		}
	}
	if f.Type == decoder.TypeData {
		fmt.Printf("     %d bytes, then the server may send %d\n", f.DataLength, f.Window.StreamRecv.Bytes)
	}
}

// newTransport returns a Transport whose connections are tapped inside of TLS. A net.Conn
// around a *tls.Conn hides from net/http what ALPN has chosen. So the Transport speaks
// HTTP/2 with prior knowledge, and the dialer offers nothing else.
func newTransport(config *tls.Config, sink decoder.Sink) *http.Transport {
	dialer := tls.Dialer{Config: config.Clone()}
	dialer.Config.NextProtos = []string{"h2"}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{
		Protocols: &protocols,
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			known := decoder.Config{Role: decoder.Client, FromStart: true}
			return &tap{Conn: conn, decoder: decoder.NewConn(known, sink)}, nil
		},
	}
}

// Print the frames of an http.Transport and its flow-control windows as they go.
func ExampleConn() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello\n")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()

	trusted := server.Client().Transport.(*http.Transport).TLSClientConfig
	client := &http.Client{Transport: newTransport(trusted, printer{})}
	defer client.CloseIdleConnections()
	response, err := client.Get(server.URL + "/greeting")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()

	// Output:
	// send HEADERS stream=1 flags=[END_STREAM END_HEADERS]
	//      :path: /greeting
	// recv HEADERS stream=1 flags=[END_HEADERS]
	//      :status: 200
	// recv DATA stream=1 flags=[END_STREAM]
	//      6 bytes, then the server may send 4194298
}
