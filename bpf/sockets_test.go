//go:build linux

package bpf

import (
	"cmp"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSockets compares the bytes counted for the sockets of this process with those
// that it moved and read, and how long they have been quiet with TCP_INFO.
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
	const size, unread = 3_000_000, 1000
	go func() { _, _ = client.Write(make([]byte, size-unread)) }()
	if _, err := io.ReadFull(server, make([]byte, size-unread)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write(make([]byte, unread)); err != nil {
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
	time.Sleep(50 * time.Millisecond) // 5 jiffies and more
	clientBefore, serverBefore := quietOf(t, client), quietOf(t, server)
	if list, err = c.Sockets.List(); err != nil {
		t.Fatal(err)
	}
	clientAfter, serverAfter := quietOf(t, client), quietOf(t, server)
	at := func(local net.Addr) Socket {
		t.Helper()
		i := slices.IndexFunc(list, func(s Socket) bool { return s.Local.String() == local.String() })
		if i < 0 {
			t.Fatalf("%s is not among %+v", local, list)
		}
		s := list[i]
		if s.ID == 0 || s.PID != os.Getpid() || s.Connecting || s.ULP {
			t.Errorf("got %+v", s)
		}
		return s
	}
	quiet := func(s Socket, before, after [2]time.Duration) {
		t.Helper()
		for dir := range s.Quiet {
			if got := s.Quiet[dir]; got < before[dir] || got > after[dir]+time.Millisecond {
				t.Errorf("direction %d: quiet for %s, want %s to %s", dir, got, before[dir], after[dir])
			}
		}
	}
	quiet(at(client.LocalAddr()), clientBefore, clientAfter)
	quiet(at(server.LocalAddr()), serverBefore, serverAfter)
	if s := at(client.LocalAddr()); s.Moved != (Moved{size, 0}) || s.Path.Unread != 0 || s.Role != RoleClient || s.Remote.String() != ln.Addr().String() {
		t.Errorf("client: got %+v", s)
	}
	if s := at(server.LocalAddr()); s.Moved != (Moved{0, size}) || s.Path.Unread != unread || s.Role != RoleServer || s.Remote.String() != client.LocalAddr().String() {
		t.Errorf("server: got %+v", s)
	}
}

// quietOf returns how long a connection has been quiet by tcp(7), in milliseconds.
func quietOf(t *testing.T, conn net.Conn) (quiet [2]time.Duration) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	var infoErr error
	err = raw.Control(func(fd uintptr) {
		info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if err = cmp.Or(err, infoErr); err != nil {
		t.Fatal(err)
	}
	quiet[Send] = time.Duration(info.Last_data_sent) * time.Millisecond
	quiet[Recv] = time.Duration(info.Last_data_recv) * time.Millisecond
	return quiet
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
