//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
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
	writeToPeer(t)
	c := newCollector(t, Options{BufferSize: 1 << 20, Follow: true})
	peer, pid, _ := endedWriter(t, c, "exit")
	var left []Socket
	readAll(t, c, func(e Event) {
		if s, ok := e.(*SocketLeft); ok && s.Socket.Remote == endpointOf(t, peer.LocalAddr()) {
			left = append(left, s.Socket)
		}
	})
	if len(left) != 1 || left[0].PID != pid {
		t.Fatalf("got %+v, want the socket of %d", left, pid)
	}
	if p := left[0].Path; p.MinRTT == 0 || p.RTT < p.MinRTT || p.MSS < 536 || p.SegmentsSent < 3 || p.SegmentsReceived < 2 || p.OutOfOrder != 0 || p.Unsent == 0 {
		t.Errorf("got %+v", p)
	}
}

// TestSentAfterExit has TCP send, and close, after the end of a process, or after it runs another
// program: all of it is what the process has written.
func TestSentAfterExit(t *testing.T) {
	writeToPeer(t)
	for _, end := range []string{"exit", endByExec} {
		t.Run(end, func(t *testing.T) {
			c := newUnattached(t, Options{BufferSize: 32 << 20, Wire: true, Follow: true})
			if err := c.PacketsWatched(); err != nil {
				t.Skip(err.Error())
			}
			peer, _, written := endedWriter(t, c, end)
			got, err := io.Copy(io.Discard, peer)
			if err != nil || got != written {
				t.Fatalf("the peer got %d of %d bytes: %v", got, written, err)
			}
			f := readWire(t, c)[endpointOf(t, peer.RemoteAddr())]
			if f == nil || f.close == nil {
				t.Fatalf("got %+v, want a connection that closed", f)
			}
			if n := uint64(written); f.known[Send] != n || f.close.Offset[Send] != n || f.close.Path.Unsent != 0 {
				t.Errorf("segments of %d bytes, %d at the close, %d unsent, want all %d sent", f.known[Send], f.close.Offset[Send], f.close.Path.Unsent, n)
			}
		})
	}
}

// peerEnv has the address that endedWriter lets a process write to, and endEnv how it ends.
const (
	peerEnv = "H2TRACE_TEST_PEER"
	endEnv  = "H2TRACE_TEST_END"

	endByExec = "exec"
)

// endedWriter runs the test once more in a process of its own, which writes more than its peer
// takes and ends. It returns that peer.
func endedWriter(t *testing.T, c *Collector, end string) (peer net.Conn, pid int, written int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	test, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), peerEnv+"="+ln.Addr().String(), endEnv+"="+end)
	out, err := cmd.CombinedOutput()
	if _, scanErr := fmt.Sscan(string(out), &written); err != nil || scanErr != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if peer, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	return peer, cmd.Process.Pid, written
}

// writeToPeer is all that the process of endedWriter does: it writes until nothing more goes,
// prints how much that was, and leaves the connection open.
func writeToPeer(t *testing.T) {
	t.Helper()
	addr := os.Getenv(peerEnv)
	if addr == "" {
		return
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	records, n, written := []byte(strings.Repeat(tlsRecord, 10_000)), 0, 0
	for err == nil {
		if err = conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err == nil {
			n, err = conn.Write(records)
			written += n
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	fmt.Println(written)
	if os.Getenv(endEnv) == endByExec {
		t.Fatal(unix.Exec("/bin/true", []string{"true"}, nil)) // closes the connection
	}
	runtime.KeepAlive(conn)
	os.Exit(0)
}
