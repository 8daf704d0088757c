//go:build linux

package bpf

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPath compares what a close says of the path with TCP_INFO, and the hops that are left
// with those that the peer gave its packets.
func TestPath(t *testing.T) {
	for _, tt := range []struct {
		addr          string
		level, option int
	}{
		{"127.0.0.1:0", unix.IPPROTO_IP, unix.IP_TTL},
		{"[::1]:0", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS},
	} {
		t.Run(tt.addr, func(t *testing.T) {
			c := newWire(t, 1<<20)
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			client, server := connectedTo(t, tt.addr)
			const ttl = 57
			control(t, server, func(fd int) error { return unix.SetsockoptInt(fd, tt.level, tt.option, ttl) })
			say(t, client, server, tlsRecord)
			say(t, server, client, tlsRecord)
			var info *unix.TCPInfo
			control(t, client, func(fd int) (err error) {
				info, err = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
				return err
			})
			port := endpointOf(t, client.LocalAddr())
			client.Close()
			server.Close()
			flow := readWire(t, c)[port]
			if flow == nil || flow.close == nil {
				t.Fatalf("got %+v, want a connection that closed", flow)
			}
			if p := flow.close.Path; p.TTL != ttl || p.MSS != info.Snd_mss {
				t.Errorf("got TTL %d and MSS %d, want %d and %d", p.TTL, p.MSS, ttl, info.Snd_mss)
			}
		})
	}
}

// control runs a function on the descriptor of a connection.
func control(t *testing.T, conn net.Conn, do func(fd int) error) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var doErr error
	if err := errors.Join(raw.Control(func(fd uintptr) { doErr = do(int(fd)) }), doErr); err != nil {
		t.Fatal(err)
	}
}

// TestPathAtExit has a process end while some of what it has written waits to be sent: TCP
// closes that connection later. What TCP knew at the end of the process must come all the same.
func TestPathAtExit(t *testing.T) {
	if addr := os.Getenv("H2TRACE_TEST_PEER"); addr != "" {
		writeMuch(t, addr)
		return
	}
	c := newCollector(t, Options{BufferSize: 1 << 20, Follow: true})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestPathAtExit$")
	cmd.Env = append(os.Environ(), "H2TRACE_TEST_PEER="+ln.Addr().String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	var left []Socket
	readAll(t, c, func(e Event) {
		if s, ok := e.(*SocketLeft); ok && s.Socket.Remote == endpointOf(t, ln.Addr()) {
			left = append(left, s.Socket)
		}
	})
	if len(left) != 1 || left[0].PID != cmd.Process.Pid {
		t.Fatalf("got %+v, want the socket of %d", left, cmd.Process.Pid)
	}
	if p := left[0].Path; p.MinRTT == 0 || p.RTT < p.MinRTT || p.MSS < 536 || p.SegmentsSent < 3 || p.SegmentsReceived < 2 || p.OutOfOrder != 0 {
		t.Errorf("got %+v", p)
	}
}

// writeMuch writes to a peer that does not read until nothing more goes, and leaves the
// connection open.
func writeMuch(t *testing.T, addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		if err = conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err == nil {
			_, err = conn.Write(make([]byte, 1<<20))
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	runtime.KeepAlive(conn)
	os.Exit(0)
}
