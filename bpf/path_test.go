package bpf

import (
	"errors"
	"net"
	"os"
	"testing"

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
