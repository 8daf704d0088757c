package e2e

import (
	"io"
	"net"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// startSOCKS starts a SOCKS5 proxy that leads to one address, whatever its clients ask
// for. It wants a name and a password (RFC 1929).
func startSOCKS(t *testing.T, to string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveSOCKS(conn, to)
		}
	}()
	return l.Addr().String()
}

func serveSOCKS(conn net.Conn, to string) {
	defer conn.Close()
	var b [600]byte
	// Each message ends with a counted part; RFC 1928 §3, RFC 1929 §2, RFC 1928 §4.
	read := func(n int) bool { _, err := io.ReadFull(conn, b[:n]); return err == nil }
	say := func(m ...byte) bool { _, err := conn.Write(m); return err == nil }
	if !read(2) || !read(int(b[1])) || !say(5, 2) ||
		!read(2) || !read(int(b[1])) || !read(1) || !read(int(b[0])) || !say(1, 0) ||
		!read(5) || !read(int(b[4])+2) {
		return
	}
	origin, err := net.Dial("tcp", to)
	if err != nil || !say(5, 0, 0, 1, 127, 0, 0, 1, 0, 80) {
		return
	}
	defer origin.Close()
	go func() {
		_, _ = io.Copy(origin, conn)
		_ = origin.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, origin)
}

// TestViaSOCKS downloads through a SOCKS5 proxy.
func TestViaSOCKS(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/socks", 3, 20000)
	behind := modproxy.Start(t, a, mods, modproxy.Options{})
	addr := startSOCKS(t, strings.TrimPrefix(behind.URL, "https://"))
	w := modproxy.NewWorkspace(t, a, mods)
	env := append(debugEnv(w.Env), "GOPROXY=https://goproxy.example", "HTTPS_PROXY=socks5://user:hunter2@"+addr)
	tr := startTracing(t, command{args: []string{"go", "mod", "download"}, dir: w.Dir, env: env})
	r := tr.wait()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	verify(t, r, atExit)
	exchanges := readExchanges(t, tr.events)
	if len(exchanges) < len(mods) {
		t.Errorf("%d exchanges of %d modules", len(exchanges), len(mods))
	}
	for _, e := range exchanges {
		if e.Via != "socks5://"+addr {
			t.Errorf("%s %s: via %q, want %q", e.Method, e.URL, e.Via, "socks5://"+addr)
		}
	}
}
