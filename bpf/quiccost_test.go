//go:build linux

package bpf

import (
	"bytes"
	"net"
	"os"
	"testing"
)

// BenchmarkDatagrams measures what the programs on packets cost, in ns of their run time
// per packet: both ends of each flow count.
//
//	go test ./bpf -run '^$' -bench Datagrams -benchtime 20000x
func BenchmarkDatagrams(b *testing.B) {
	short := bytes.Repeat([]byte{0x40}, 1200)
	for _, bench := range []struct {
		name   string
		target bool
		first  []byte
	}{
		{"others", false, longPacket(0xc0, 1, 1200)},
		{"target", true, short},
		{"quic", true, longPacket(0xc0, 1, 1200)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := newUnattached(b, Options{BufferSize: 16 << 20, Wire: true})
			if err := c.PacketsWatched(); err != nil {
				b.Skip(err.Error())
			}
			if bench.target {
				if err := c.Targets.AddTarget(os.Getpid()); err != nil {
					b.Fatal(err)
				}
			}
			server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				b.Fatal(err)
			}
			defer server.Close()
			client, err := net.DialUDP("udp4", nil, server.LocalAddr().(*net.UDPAddr))
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			buf := make([]byte, 2048)
			exchange := func(datagram []byte) {
				if _, err := client.Write(datagram); err != nil {
					b.Fatal(err)
				}
				if _, _, err := server.ReadFrom(buf); err != nil {
					b.Fatal(err)
				}
			}
			exchange(bench.first)
			measurePackets(b, c, func() { exchange(short) })
		})
	}
}
