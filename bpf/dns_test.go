//go:build linux

package bpf

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
)

// TestDNS sends packets that look like queries to port 53 of loopback addresses, which echo
// them.
func TestDNS(t *testing.T) {
	for _, tt := range []struct {
		name, network, server string
		wire                  bool
	}{
		{"UDP", "udp", "127.53.0.1:53", false},
		{"UDP over IPv6", "udp", "[::1]:53", false},
		{"TCP", "tcp", "127.53.0.1:53", false},
		{"UDP with Wire", "udp", "127.53.0.1:53", true},
		{"TCP with Wire", "tcp", "127.53.0.1:53", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20, Wire: tt.wire})
			if err := c.PacketsWatched(); err != nil {
				t.Skip(err.Error())
			}
			server := netip.MustParseAddrPort(tt.server)
			echoBack(t, tt.network, tt.server)
			query := bytes.Repeat([]byte("query"), 40)
			var local string
			got := observe(t, c, func() {
				conn, err := net.Dial(tt.network, tt.server)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				local = conn.LocalAddr().String()
				if _, err := conn.Write(query); err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Read(make([]byte, len(query))); err != nil {
					t.Fatal(err)
				}
			})
			var dirs []int
			for _, d := range got.dns {
				dirs = append(dirs, d.Dir)
				if d.Local.String() != local || d.Remote != server || d.TCP != (tt.network == "tcp") {
					t.Errorf("got %+v, want %s and %s", d, local, server)
				}
				if !bytes.Equal(d.Payload, query) || d.Length != len(query) || d.Socket != got.dns[0].Socket {
					t.Errorf("got %d bytes %.20q", d.Length, d.Payload)
				}
			}
			if len(dirs) != 2 || dirs[0] != Send || dirs[1] != Recv {
				t.Errorf("got packets in directions %v, want one sent, one received", dirs)
			}
			checkLedger(t, c, got)
		})
	}
}

// TestOtherDNS queries a name server from a process that is not a target.
func TestOtherDNS(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	echoBack(t, "udp", "127.53.0.2:53")
	conn, err := net.Dial("udp", "127.53.0.2:53")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("query")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, c); got.count != 0 {
		t.Errorf("got %d records of a process that is no target", got.count)
	}
}

// echoBack echoes what it receives, until the test ends.
func echoBack(t *testing.T, network, addr string) {
	t.Helper()
	if network == "udp" {
		conn, err := net.ListenPacket(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		go func() {
			for buf := make([]byte, 1500); ; {
				n, from, err := conn.ReadFrom(buf)
				if err != nil {
					return
				}
				_, _ = conn.WriteTo(buf[:n], from) // otherwise the test fails
			}
		}()
		return
	}
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 1500)
			if n, err := conn.Read(buf); err == nil {
				_, _ = conn.Write(buf[:n])
			}
			_ = conn.Close()
		}
	}()
}
