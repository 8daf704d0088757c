package tls_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"h2trace/decoder"
)

// relay forwards TCP connections to an address, and records each.
type relay struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	conns    [][]segment // from the view of the client
	open     sync.WaitGroup
}

// newRelay returns a relay that listens on the loopback interface.
func newRelay(t testing.TB, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, to: to}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				return
			}
			r.serve(client, server)
		}
	}()
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

// serve forwards both directions until each has ended.
func (r *relay) serve(client, server net.Conn) {
	r.mu.Lock()
	i := len(r.conns)
	r.conns = append(r.conns, nil)
	r.mu.Unlock()
	forward := func(dir decoder.Direction, from, to net.Conn) {
		defer r.open.Done()
		b := make([]byte, 64<<10)
		for {
			n, err := from.Read(b)
			if n > 0 { // recorded before the peer can answer
				r.mu.Lock()
				r.conns[i] = append(r.conns[i], segment{dir, append([]byte(nil), b[:n]...)})
				r.mu.Unlock()
				_, _ = to.Write(b[:n])
			}
			if err != nil {
				_ = to.(*net.TCPConn).CloseWrite()
				return
			}
		}
	}
	r.open.Add(2)
	go forward(decoder.Send, client, server)
	go forward(decoder.Recv, server, client)
}

// sent returns how many bytes the last connection has carried in a direction.
func (r *relay) sent(dir decoder.Direction) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.conns) == 0 {
		return 0
	}
	for _, s := range r.conns[len(r.conns)-1] {
		if s.dir == dir {
			n += len(s.b)
		}
	}
	return n
}

// last returns the segments of the last connection.
func (r *relay) last() []segment {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conns[len(r.conns)-1]
}

// output keeps what a program or a connection says.
type output struct {
	mu sync.Mutex
	b  []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, b...)
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

// endpoint is one end of a connection: what it is given to send, and what it received.
type endpoint struct {
	in  io.WriteCloser
	out output
	log output // what a program says of the connection
}
