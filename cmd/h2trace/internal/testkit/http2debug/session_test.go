package http2debug

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// TestMain lets the test binary be the program that writes the log: GODEBUG is read
// when a program starts.
func TestMain(m *testing.M) {
	if os.Getenv("HTTP2DEBUG_SESSION") != "" {
		session(os.Stdout)
		return
	}
	os.Exit(m.Run())
}

// tee is a connection that keeps the bytes that its owner wrote.
type tee struct {
	net.Conn
	mu   sync.Mutex
	sent bytes.Buffer
}

func (c *tee) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent.Write(b)
	return c.Conn.Write(b)
}

// session is a client and a server of golang.org/x/net in one process. The bytes of
// the client go to out.
func session(out io.Writer) {
	ours, theirs := net.Pipe()
	client := &tee{Conn: ours}
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&http2.Server{}).ServeConn(theirs, &http2.ServeConnOpts{Handler: http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Trailer", "X-Sum")
				_, _ = io.Copy(w, r.Body)
				w.Header().Set("X-Sum", "done")
			})})
	}()
	tr := &http2.Transport{AllowHTTP: true, DialTLS: func(string, string, *tls.Config) (net.Conn, error) { return client, nil }}
	for _, body := range []string{"", "short", strings.Repeat("\x00long\n", 20000)} {
		resp, err := tr.RoundTrip(must(http.NewRequest("POST", "http://example.test/a?b=c", strings.NewReader(body))))
		if err != nil {
			panic(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			panic(err)
		}
		_ = resp.Body.Close()
	}
	tr.CloseIdleConnections()
	<-done
	client.mu.Lock()
	defer client.mu.Unlock()
	must(out.Write(client.sent.Bytes()))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestSession compares the parsed log of a real session with its bytes.
func TestSession(t *testing.T) {
	cmd := exec.Command(must(os.Executable()))
	cmd.Env = append(os.Environ(), "HTTP2DEBUG_SESSION=1", "GODEBUG=http2debug=2")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	l, err := Parse(&stderr)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Conns) != 2 {
		t.Fatalf("%d framers, want 2", len(l.Conns))
	}
	var logged [2][]string // the frames of the client, as each end logged them
	for _, c := range l.Conns {
		d := wire.Recv
		if c.Client() {
			d = wire.Send
		}
		for _, f := range c.Dir(d) {
			logged[d] = append(logged[d], f.String())
		}
	}
	want := framesIn(t, stdout.Bytes())
	if diff := cmp.Diff(want, logged[wire.Send]); diff != "" {
		t.Errorf("frames of the client's own log (-bytes +log):\n%s", diff)
	}
	// The server may stop reading at any time after the last response.
	got := logged[wire.Recv]
	if len(got) == 0 || len(got) > len(want) || len(want)-len(got) > 1 {
		t.Fatalf("the server logged %d frames of %d", len(got), len(want))
	}
	if diff := cmp.Diff(want[:len(got)], got); diff != "" {
		t.Errorf("frames of the server's log (-bytes +log):\n%s", diff)
	}
}

// framesIn parses the bytes of a client with the Framer of golang.org/x/net.
func framesIn(t *testing.T, b []byte) []string {
	t.Helper()
	rest, ok := bytes.CutPrefix(b, []byte(http2.ClientPreface))
	if !ok {
		t.Fatal("no preface")
	}
	fr := http2.NewFramer(nil, bytes.NewReader(rest))
	var out []string
	for {
		f, err := fr.ReadFrame()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		h := f.Header()
		w := wire.Frame{Type: wire.Type(h.Type), Flags: uint8(h.Flags), Stream: h.StreamID, Length: h.Length}
		switch f := f.(type) {
		case *http2.DataFrame:
			w.DataLength = uint32(len(f.Data()))
		case *http2.SettingsFrame:
			for i := range f.NumSettings() {
				w.Settings = append(w.Settings, wire.Setting{ID: uint16(f.Setting(i).ID), Value: f.Setting(i).Val})
			}
		case *http2.WindowUpdateFrame:
			w.Increment = f.Increment
		}
		out = append(out, w.String())
	}
}
