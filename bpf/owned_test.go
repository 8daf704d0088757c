//go:build linux

package bpf

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestOwnSockets makes the test a target after it has begun to listen, and with a
// connection open.
func TestOwnSockets(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		t.Run(addr, func(t *testing.T) {
			ln, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			early, peer := pair(t, ln)
			c := newCollector(t, Options{BufferSize: 1 << 20})
			if err := c.PacketsWatched(); err != nil {
				t.Skip(err.Error())
			}
			var late net.Conn
			got := observe(t, c, func() {
				if err := c.Sockets.OwnSockets(os.Getpid(), 0, "test"); err != nil {
					t.Fatal(err)
				}
				say(t, early, peer, "GET /early HTTP/1.1\r\n\r\n")
				late, peer = pair(t, ln)
				say(t, late, peer, "GET /late HTTP/1.1\r\n\r\n")
				for _, conn := range []net.Conn{early, late} {
					if err := conn.Close(); err != nil {
						t.Fatal(err)
					}
				}
			})
			type end struct {
				local     string
				role      Role
				fromStart bool
			}
			seen := make(map[end]bool)
			for id, o := range got.opens {
				seen[end{o.Local.String(), o.Role, o.Handshake}] = true
				if text := got.data[id][Send].String() + got.data[id][Recv].String(); len(text) < 20 || o.Comm == "" {
					t.Errorf("%+v: got %q", o, text)
				}
				if _, closed := got.closes[id]; !closed && o.Local.String() == early.LocalAddr().String() {
					t.Errorf("%+v has no close", o)
				}
			}
			for _, want := range []end{
				{early.LocalAddr().String(), RoleUnknown, false},
				{early.RemoteAddr().String(), RoleUnknown, false},
				{late.LocalAddr().String(), RoleClient, true},
				{late.RemoteAddr().String(), RoleServer, true},
			} {
				if !seen[want] {
					t.Errorf("%+v is not among %+v", want, seen)
				}
			}
			if len(got.opens) != 4 {
				t.Errorf("got %d connections of 4: %+v", len(got.opens), seen)
			}
			checkLedger(t, c, got)
		})
	}
}

// pair opens a connection to ln.
func pair(t *testing.T, ln net.Listener) (client, server net.Conn) {
	t.Helper()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return client, server
}

// say sends a text from one end to the other.
func say(t *testing.T, from io.Writer, to io.Reader, text string) {
	t.Helper()
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(to, make([]byte, len(text))); err != nil {
		t.Fatal(err)
	}
}

// TestFirstFirst has threads of a process with ids of different lengths.
func TestFirstFirst(t *testing.T) {
	dir := t.TempDir()
	for _, id := range []string{"98", "99", "100", "101"} {
		if err := os.Mkdir(filepath.Join(dir, id), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tasks, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{98, 99, 100, 101}, firstFirst(tasks, 98)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestSocketsOfEnding has a process end while its descriptors are listed. Some of them have
// been listed by then.
func TestSocketsOfEnding(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // a socket to list
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, sockets, err := socketsOf(os.Getpid(), os.ReadDir); err != nil || len(sockets) == 0 {
		t.Fatalf("got sockets %v, %v of this process", sockets, err)
	}
	for _, ended := range []error{os.ErrNotExist, unix.ESRCH} {
		lists := 0
		_, sockets, err := socketsOf(os.Getpid(), func(dir string) ([]os.DirEntry, error) {
			entries, err := os.ReadDir(dir)
			if filepath.Base(dir) != "fd" {
				return entries, err
			}
			lists++
			return entries[:1], &os.PathError{Op: "readdirent", Path: dir, Err: ended}
		})
		if err != nil || len(sockets) != 0 || lists == 0 {
			t.Errorf("%v: got sockets %v, %v in %d lists, want none", ended, sockets, err, lists)
		}
	}
}
