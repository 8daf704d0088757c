package bpf

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"h2trace/decoder/ktime"
)

// TestSockets compares the bytes counted for the sockets of this process with those
// that it moved.
func TestSockets(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const size = 3_000_000
	go func() { _, _ = client.Write(make([]byte, size)) }()
	if _, err := io.ReadFull(server, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	list, err := c.Sockets.List()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) > 0 {
		t.Errorf("sockets of processes that are no targets: %+v", list)
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	if list, err = c.Sockets.List(); err != nil {
		t.Fatal(err)
	}
	at := func(local net.Addr) Socket {
		t.Helper()
		i := slices.IndexFunc(list, func(s Socket) bool { return s.Local.String() == local.String() })
		if i < 0 {
			t.Fatalf("%s is not among %+v", local, list)
		}
		s := list[i]
		if s.ID == 0 || s.PID != os.Getpid() || s.Connecting || !s.QuietKnown || s.Quiet[Send] > time.Minute || s.Quiet[Recv] > time.Minute {
			t.Errorf("got %+v", s)
		}
		return s
	}
	if s := at(client.LocalAddr()); s.Moved != (Moved{size, 0}) || s.Role != RoleClient || s.Remote.String() != ln.Addr().String() {
		t.Errorf("client: got %+v", s)
	}
	if s := at(server.LocalAddr()); s.Moved != (Moved{0, size}) || s.Role != RoleServer || s.Remote.String() != client.LocalAddr().String() {
		t.Errorf("server: got %+v", s)
	}
}

// TestUnixSockets lists connections that have no packets.
func TestUnixSockets(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(t.TempDir(), "socket"), "@h2trace-" + strconv.Itoa(os.Getpid())} {
		ln, err := net.Listen("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		client, err := net.Dial("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		server, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		list, err := c.Sockets.List()
		if err != nil {
			t.Fatal(err)
		}
		named := 0
		for _, s := range list {
			if s.Unix && s.Name == name && s.PID == os.Getpid() {
				named++
			}
		}
		if named != 2 {
			t.Errorf("%d of %+v are called %s, want both", named, list, name)
		}
	}
}

func TestJiffy(t *testing.T) {
	const initial = 1 << 32
	for _, hz := range []int64{100, 250, 300, 1000} {
		for _, up := range []int64{0, 20, 299, 300, 301, 400, 86_400, 400 * 86_400} {
			got := jiffy(uint64(initial+(up-300)*hz), ktime.Time(up*1e9))
			if want := time.Second / time.Duration(hz); got != want && (got != 0 || up < 280 || up > 320) {
				t.Errorf("%d Hz, %d s after the start: got %s", hz, up, got)
			}
		}
	}
}
