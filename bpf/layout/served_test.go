package layout

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sys/unix"
)

// served is a server connection of golang.org/x/net in this process, which has
// one open stream.
type served struct {
	at     Place
	stream uint64
}

const (
	peerInitial = 100_000
	requested   = 3000 // bytes of the request so far
	responded   = 200  // and of the response
)

// ordered is a connection whose Reads happen after the calls of sync, also for the
// race detector.
type ordered struct {
	net.Conn
	mu sync.Mutex
}

func (c *ordered) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.sync()
	return n, err
}

func (c *ordered) sync() {
	c.mu.Lock()
	defer c.mu.Unlock()
}

// serve begins a connection. It returns when the client has read the response so far.
func serve(t *testing.T) served {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn := &ordered{Conn: accepted}
	srv := &http2.Server{}
	if err := http2.ConfigureServer(&http.Server{}, srv); err != nil {
		t.Fatal(err)
	}
	done, answered := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		srv.ServeConn(conn, &http2.ServeConnOpts{Handler: answer(answered)})
	}()
	t.Cleanup(func() {
		conn.sync()
		client.Close()
		<-done
	})
	ask(t, client)
	<-answered
	conns := reflect.ValueOf(srv).Elem().FieldByName("state").Elem().FieldByName("activeConns").MapKeys()
	if len(conns) != 1 {
		t.Fatalf("%d connections, want 1", len(conns))
	}
	sc := conns[0].Elem()
	streams := sc.FieldByName("streams").MapRange()
	streams.Next()
	address := func(v reflect.Value) uint64 { return uint64(v.Pointer()) }
	return served{
		Place{
			Owner:  address(conns[0]),
			Framer: address(sc.FieldByName("framer")),
			Writer: address(sc.FieldByName("bw")),
			Sticky: address(sc.FieldByName("conn").Elem()),
			Open:   1,
		},
		address(streams.Value()),
	}
}

// answer writes a part of the response and waits for the end of the request.
func answer(answered chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, responded))
		w.(http.Flusher).Flush()
		close(answered)
		<-r.Context().Done()
	}
}

// ask writes a part of a request and reads a part of the response.
func ask(t *testing.T, conn net.Conn) {
	t.Helper()
	framer := http2.NewFramer(conn, conn)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", "goproxy.example"}, {":path", "/"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := io.WriteString(conn, http2.ClientPreface)
	for _, write := range []func() error{
		func() error {
			return framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: peerInitial})
		},
		framer.WriteSettingsAck,
		func() error {
			return framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
		},
		func() error { return framer.WriteData(1, false, make([]byte, requested)) },
	} {
		if err == nil {
			err = write()
		}
	}
	for ; err == nil; err = conn.SetReadDeadline(time.Now().Add(10 * time.Second)) {
		f, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := f.(*http2.DataFrame); ok && len(f.Data()) == responded {
			return
		}
	}
	t.Fatal(err)
}

// own copies memory of this process, which may change meanwhile.
func own(t *testing.T, addr uint64, size uint16) []byte {
	t.Helper()
	b := make([]byte, size)
	local := []unix.Iovec{{Base: unsafe.SliceData(b), Len: uint64(size)}}
	remote := []unix.RemoteIovec{{Base: uintptr(addr), Len: int(size)}}
	if _, err := unix.ProcessVMReadv(os.Getpid(), local, remote, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// read reads a connection and its stream when nothing is being written.
func (s *served) read(t *testing.T, l *Server) (image []byte, state State, stream Stream) {
	t.Helper()
	for range 1000 {
		image = own(t, s.at.Owner, l.Size)
		state, ok := l.Read(image, s.at)
		if !ok || state.Recv > 1<<20-requested {
			time.Sleep(time.Millisecond)
			continue
		}
		stream, ok = s.readStream(t, l, &state)
		if !ok {
			t.Fatal("the stream is not believed")
		}
		return image, state, stream
	}
	t.Fatal("the right layout is not believed")
	return nil, State{}, Stream{}
}

func (s *served) readStream(t *testing.T, l *Server, state *State) (Stream, bool) {
	t.Helper()
	word := func(off uint16) uint64 { return binary.LittleEndian.Uint64(own(t, s.stream+uint64(off), 8)) }
	flows, ends := own(t, s.stream+uint64(l.StreamFlow), flowsSize), own(t, s.stream+uint64(l.StreamState), endsSize)
	return l.ReadStream(word(l.StreamConn), uint32(word(l.StreamID)), word(l.StreamID+8), flows, ends, s.at, state)
}
