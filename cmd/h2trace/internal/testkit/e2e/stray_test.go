package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// straySource has TLS on a Unix socket.
const straySource = `package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"path/filepath"
	"os"
)

func main() {
	dir, err := os.MkdirTemp("", "stray")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		log.Fatal(err)
	}
	s := httptest.NewTLSServer(nil)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprint(tls.Server(conn, &tls.Config{Certificates: s.TLS.Certificates}), "HTTP/1.1 204 No Content\r\n\r\n")
	}()
	raw, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	if _, err := io.ReadFull(conn, make([]byte, 10)); err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\n\r\n")
}
`

// TestStrayHandshake says that a handshake was on no connection that packets show. Calls
// show it.
func TestStrayHandshake(t *testing.T) {
	needProbes(t)
	stray := goProgram{name: "stray", source: straySource}
	r := startTracing(t, command{args: []string{stray.path(t)}}).good()
	said := strings.Contains(r.stderr, "h2trace: 1 TLS handshake was on no TCP connection seen from its start, ")
	if said != ofPackets() || len(r.stream.Conns()) > 0 == ofPackets() {
		t.Errorf("it is said: %t; %d connections\n%s", said, len(r.stream.Conns()), indent(r.stderr))
	}
}

// unixSource gets over HTTP/2 for each line on stdin: three times over TLS on a Unix socket,
// and three times over TLS on TCP. It is client and server.
const unixSource = `package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
)

func main() {
	dir, err := os.MkdirTemp("", "unix")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 50000))
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	go s.Config.Serve(tls.NewListener(l, s.TLS))
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		get(in.Text()+"-tcp", "tcp", s.Listener.Addr().String())
		get(in.Text()+"-unix", "unix", path)
		fmt.Println("moved")
	}
}

func get(name, network, addr string) {
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return net.Dial(network, addr) }
	defer tr.CloseIdleConnections()
	for i := 0; i < 3; i++ {
		resp, err := (&http.Client{Transport: tr}).Get(fmt.Sprint("https://origin.example/", name, i))
		if err != nil || resp.ProtoMajor != 2 {
			log.Fatal(err, resp)
		}
		n, err := bufio.NewReader(resp.Body).Discard(50000)
		if err != nil {
			log.Fatal(n, err)
		}
		resp.Body.Close()
	}
}
`

// TestUnixSockets has TLS on Unix sockets beside TLS on TCP. With packets, the first
// connection on a Unix socket shows that there are such, and calls show the later ones from
// their first byte. What TCP carries is seen once.
func TestUnixSockets(t *testing.T) {
	needProbes(t)
	unix := goProgram{name: "unix", source: unixSource}
	tr := startTracing(t, command{args: []string{unix.path(t)}})
	for _, round := range []string{"first", "second"} {
		tr.enter(round)
		if ofPackets() {
			await(t, "probes for Unix sockets", func() bool {
				return strings.Contains(tr.stderr(), ": Read and Write have probes for Unix sockets now; ")
			})
		}
	}
	if err := tr.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	r := tr.good()
	exchanges := make(map[string]int) // by path and source
	sources := make(map[string]string)
	for _, e := range r.stream.Of("conn") {
		var c struct{ Action, Conn, Source, Joined string }
		if err := json.Unmarshal([]byte(e.Raw), &c); err != nil {
			t.Fatal(err)
		}
		if sources[c.Conn] = c.Source; c.Action == "open" && c.Joined != "start" {
			t.Errorf("joined late: %s", e.Raw)
		}
	}
	for _, e := range r.stream.Of("exchange") {
		var x struct {
			Conn, URL string
			Status    int
			Bytes     int `json:"response_bytes"`
		}
		if err := json.Unmarshal([]byte(e.Raw), &x); err != nil {
			t.Fatal(err)
		}
		if x.Status != 200 || x.Bytes != 50000 {
			t.Errorf("got %s", e.Raw)
		}
		exchanges[strings.TrimPrefix(x.URL, "https://origin.example/")+" "+sources[x.Conn]]++
	}
	want := make(map[string]int)
	for i := range 3 {
		onTCP := map[bool]string{true: "wire", false: "calls"}[ofPackets()]
		want[fmt.Sprintf("first-tcp%d %s", i, onTCP)], want[fmt.Sprintf("second-tcp%d %s", i, onTCP)] = 2, 2
		if want[fmt.Sprintf("second-unix%d calls", i)] = 2; !ofPackets() {
			want[fmt.Sprintf("first-unix%d calls", i)] = 2
		}
	}
	if diff := cmp.Diff(want, exchanges); diff != "" {
		t.Errorf("exchanges (-want +got):\n%s\n%s", diff, indent(r.stderr))
	}
	if n := strings.Count(r.stderr, "h2trace: 1 TLS handshake was on no TCP connection"); ofPackets() != (n == 1) {
		t.Errorf("the handshake that was missed is mentioned %d times:\n%s", n, indent(r.stderr))
	}
}
