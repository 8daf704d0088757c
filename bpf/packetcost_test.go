//go:build linux

package bpf

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/net/http2"
	"golang.org/x/sys/unix"
)

// BenchmarkPackets measures what the programs on packets cost, in ns of their run time
// per packet: acknowledgements and both ends of each connection count.
//
//	go test ./bpf -run '^$' -bench Packets -benchtime 20000x
func BenchmarkPackets(b *testing.B) {
	request := make([]byte, 100)
	frame := append([]byte{0, 0x40, 0, 0, 0, 0, 0, 0, 1}, make([]byte, 16384)...) // DATA (RFC 9113 §6.1)
	bulk := bytes.Repeat(frame, 8)
	const hello = "\x16\x03\x01\x40\x00"
	for _, bench := range []struct {
		name    string
		target  bool
		wire    bool
		first   string
		message []byte
		answers bool
	}{
		{"others/small", false, false, http2.ClientPreface, request, true},
		{"others/bulk", false, false, http2.ClientPreface, bulk, false},
		{"target/small", true, false, http2.ClientPreface, request, true},
		{"target/bulk", true, false, http2.ClientPreface, bulk, false},
		{"hello/bulk", true, false, hello, bulk, false},
		{"wire/small", true, true, hello, request, true},
		{"wire/bulk", true, true, hello, bulk, false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := newUnattached(b, Options{BufferSize: 16 << 20, Wire: bench.wire})
			if err := c.PacketsWatched(); err != nil {
				b.Skip(err.Error())
			}
			if bench.target {
				if err := c.Targets.AddTarget(os.Getpid()); err != nil {
					b.Fatal(err)
				}
			}
			records := readBeside(b, c)
			client, server := connected(b)
			if _, err := io.WriteString(client, bench.first); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(bench.message)))
			if bench.answers {
				go echoAll(server)
			} else {
				go drainAll(server)
			}
			answer := make([]byte, len(bench.message))
			if bench.answers {
				if _, err := io.ReadFull(client, make([]byte, len(bench.first))); err != nil {
					b.Fatal(err)
				}
			}
			measurePackets(b, c, func() {
				_, err := client.Write(bench.message)
				if err == nil && bench.answers {
					_, err = io.ReadFull(client, answer)
				}
				if err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(float64(records())/float64(b.N), "records/op")
			ledger, err := c.Connections.Ledger()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(ledger.Lost()), "lost")
		})
	}
}

// readBeside reads records in the background. The returned function ends that, and
// returns how many there were.
func readBeside(b *testing.B, c *Collector) (records func() int) {
	b.Helper()
	n, stop := 0, make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			_, err := c.Read(100 * time.Millisecond)
			switch {
			case err == nil:
				n++
				continue
			case !errors.Is(err, ErrNoRecord):
				b.Error(err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	end := sync.OnceFunc(func() {
		close(stop)
		reader.Wait()
	})
	b.Cleanup(end) // before that of c
	return func() int {
		end()
		return n
	}
}

// measurePackets runs a function again and again, and reports what the programs cost
// meanwhile.
func measurePackets(b *testing.B, c *Collector, f func()) {
	b.Helper()
	programs := packetPrograms(b, c)
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		b.Fatal(err)
	}
	defer stats.Close()
	before, ran := runTime(b, programs)
	for b.Loop() {
		f()
	}
	after, runs := runTime(b, programs)
	b.ReportMetric(float64(after-before)/float64(runs-ran), "ns/packet")
	b.ReportMetric(float64(runs-ran)/float64(b.N), "packets/op")
}

// packetPrograms are the programs that see each packet.
func packetPrograms(b *testing.B, c *Collector) (list []*ebpf.Program) {
	b.Helper()
	for _, l := range c.hooks {
		info, err := l.Info()
		if err != nil {
			b.Fatal(err)
		}
		t := info.Cgroup()
		if t == nil {
			continue
		}
		if at := ebpf.AttachType(t.AttachType); at != ebpf.AttachCGroupInetEgress && at != ebpf.AttachCGroupInetIngress {
			continue
		}
		prog, err := ebpf.NewProgramFromID(info.Program)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { prog.Close() })
		list = append(list, prog)
	}
	if len(list) != 2 && c.Capture == nil {
		b.Fatalf("got %d programs, want 2", len(list))
	}
	return list
}

// runTime returns how long programs ran, and how often.
func runTime(b *testing.B, programs []*ebpf.Program) (total time.Duration, runs uint64) {
	b.Helper()
	for _, p := range programs {
		stats, err := p.Stats()
		if err != nil {
			b.Fatal(err)
		}
		total, runs = total+stats.Runtime, runs+stats.RunCount
	}
	return total, runs
}

// connected returns both ends of a connection over loopback.
func connected(b *testing.B) (client, server net.Conn) {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		b.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	return client, server
}

// echoAll sends back what comes, until the connection ends.
func echoAll(conn net.Conn) { _, _ = io.Copy(struct{ io.Writer }{conn}, conn) }

// drainAll reads until the connection ends.
func drainAll(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
