//go:build linux

package bpf

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/decoder/ktime"
)

// TestConnect compares the times of connects, and how connections ended, with what
// the test did.
func TestConnect(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	ln, config := listen(t)
	done := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			done <- err
			return
		}
		_, err = conn.Write([]byte("bye"))
		done <- errors.Join(err, conn.Close())
	}()
	var before, after time.Time
	began := monotonicNow(t)
	got := observe(t, c, func() {
		before = time.Now()
		raw, err := net.Dial("tcp", ln.Addr().String())
		after = time.Now()
		if err != nil {
			t.Fatal(err)
		}
		conn := tls.Client(raw, config)
		if _, err := io.ReadAll(conn); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(<-done, conn.Close()); err != nil {
			t.Fatal(err)
		}
	})
	if len(got.opens) != 2 {
		t.Fatalf("got %d opens, want 2", len(got.opens))
	}
	for id, open := range got.opens {
		closed := got.closes[id]
		if open.Role == RoleServer {
			if open.ConnectStart != 0 || closed.Path.EndedByPeer() {
				t.Errorf("server: connected at %d, ended by peer: %v", open.ConnectStart, closed.Path.EndedByPeer())
			}
			continue
		}
		took := open.Established.Sub(open.ConnectStart)
		if open.ConnectStart < began || took <= 0 || took > after.Sub(before) {
			t.Errorf("connect took %s, want more than 0 and at most %s", took, after.Sub(before))
		}
		if !closed.Path.EndedByPeer() || closed.Path.Err() != 0 {
			t.Errorf("ended by peer: %v, %v; want true", closed.Path.EndedByPeer(), closed.Path.Err())
		}
		if p := closed.Path; p.MinRTT == 0 || p.MinRTT > after.Sub(before) || p.SegmentsSent < 4 || p.SegmentsReceived < 3 {
			t.Errorf("path: got %+v", p)
		}
	}
	checkLedger(t, c, got)
}

// TestCloseNotify has a peer that sends close_notify before TCP ends. Then the peer ended the
// connection. A process that closes a readable connection ended it itself.
func TestCloseNotify(t *testing.T) {
	for _, tt := range []struct {
		name    string
		ended   bool // by the server, which then waits
		version uint16
	}{
		{"by the peer, TLS 1.3", true, tls.VersionTLS13},
		{"by the peer, TLS 1.2", true, tls.VersionTLS12},
		{"by the process", false, tls.VersionTLS13},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20})
			ln, config := listen(t)
			config.MaxVersion = tt.version
			done := make(chan error, 1)
			go func() { done <- sayBye(ln, tt.ended) }()
			got := observe(t, c, func() {
				conn, err := tls.Dial("tcp", ln.Addr().String(), config)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := io.ReadFull(conn, make([]byte, 3)); err != nil {
					t.Fatal(n, err)
				}
				if tt.ended {
					if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
						t.Fatalf("read %d bytes and %v, want the end", n, err)
					}
				}
				if err := errors.Join(conn.Close(), <-done); err != nil {
					t.Fatal(err)
				}
			})
			clients := 0
			for id, open := range got.opens {
				if open.Role != RoleClient {
					continue
				}
				clients++
				if path := got.closes[id].Path; path.state != tcpEstablished || path.EndedByPeer() != tt.ended {
					t.Errorf("closed in state %d, by the peer: %v; want %d, %v", path.state, path.EndedByPeer(), tcpEstablished, tt.ended)
				}
			}
			if clients != 1 {
				t.Errorf("got %d clients, want 1", clients)
			}
		})
	}
}

// tcpEstablished is the state in which neither side has sent a FIN.
const tcpEstablished = 1

// sayBye serves one connection. With end it sends close_notify. It keeps the TCP
// connection until the client closes it.
func sayBye(ln net.Listener, end bool) error {
	accepted, err := ln.Accept()
	if err != nil {
		return err
	}
	conn := accepted.(*tls.Conn)
	_, err = conn.Write([]byte("bye"))
	if end {
		err = errors.Join(err, conn.CloseWrite())
	}
	_, readErr := io.Copy(io.Discard, conn)
	return errors.Join(err, readErr, conn.Close())
}

// TestConnectFails connects to a port without a listener, and aborts a connect without an
// answer.
func TestConnectFails(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := ln.Addr().String()
	ln.Close()
	silent := fullListener(t)
	got := observe(t, c, func() {
		if _, err := net.Dial("tcp", refused); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("got %v, want a refusal", err)
		}
		_, err := net.DialTimeout("tcp", silent, 50*time.Millisecond)
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			t.Fatalf("got %v, want a timeout", err)
		}
	})
	if len(got.connects) != 2 {
		t.Fatalf("got %d failed connects, want 2: %+v", len(got.connects), got.connects)
	}
	for i, want := range []ConnectFailed{
		{Remote: netip.MustParseAddrPort(refused), Errno: syscall.ECONNREFUSED},
		{Remote: netip.MustParseAddrPort(silent)},
	} {
		g := got.connects[i]
		if g.Remote != want.Remote || g.Errno != want.Errno || g.Comm == "" || g.Start == 0 || g.Local.Port() == 0 {
			t.Errorf("got %+v, want %+v", g, want)
		}
	}
	checkLedger(t, c, got)
}

// fullListener returns the address of a listener that answers no SYN: its queue
// is full.
func fullListener(t *testing.T) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	err = errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0))
	if err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	in := name.(*syscall.SockaddrInet4)
	addr := netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port)).String()
	conn, err := net.Dial("tcp", addr) // fills it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return addr
}

func monotonicNow(t *testing.T) ktime.Time {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		t.Fatal(err)
	}
	return ktime.Time(ts.Nano())
}
