package e2e

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
)

// TestDeafProbe has a probe of one direction that does nothing, like one at a wrong
// place. h2trace says so once, and reports a loss of the connection, of which it shows
// the other direction. Where bytes come from packets, no probe is needed.
func TestDeafProbe(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	for _, tt := range []struct {
		plan, probe, moved string
		seen               string // the header lists that are
	}{
		{"deaf-write", "write probe (PUSH BP)", "sent", "recv"},
		{"deaf-read", "read probe (CALL runtime.memmove)", "received", "send"},
	} {
		for _, side := range []string{"client", "server"} {
			t.Run(tt.plan+"/"+side, func(t *testing.T) {
				logFile := filepath.Join(t.TempDir(), "debug.log")
				pid, end := startPair(t, a, side, "net", "tiny", logFile)
				await(t, "requests before the attach", func() bool { return lines(logFile, ":path") > 50 })
				tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(pid)}, env: append(os.Environ(), testPlan(tt.plan))})
				if ofPackets() {
					await(t, "header lists of both directions", func() bool {
						return lines(tr.events, `":path"`) > 1000 && lines(tr.events, `":status"`) > 1000
					})
				} else {
					await(t, "a loss", func() bool { return lines(tr.events, `"event":"loss"`) > 0 })
					known := lines(tr.events, `"headers":[`)
					await(t, "header lists after it", func() bool { return lines(tr.events, `"headers":[`) > known+100 })
				}
				r := tr.interrupt()
				end()
				checkDeaf(t, r, "h2"+side+": the "+tt.probe+" never fired while data was "+tt.moved+"; what is "+tt.moved+" is missing; try --source auto\n")
				conns := r.stream.Conns()
				if len(conns) != 1 {
					t.Fatalf("%d connections", len(conns))
				}
				for _, f := range conns[0].Frames {
					if !ofPackets() && f.Dir != tt.seen {
						t.Fatalf("a frame of the other direction: %s", f.Raw)
					}
				}
				log := readLog(t, logFile)
				headers := http2debug.Attribute(eventsOf(log, log.Conns[0]), log.Conns[0])
				checkPartial(t, &oracle.Partial{Trace: conns[0], Log: log.Conns[0], Headers: headers})
			})
		}
	}
}

// TestDeafProbeFromStart has such a probe in COMMAND.
func TestDeafProbeFromStart(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, serverArgs(t, a), peerEnv(a))
	for _, tt := range []struct{ plan, message string }{
		{"deaf-write", "h2client: the write probe (PUSH BP) never fired while data was sent;"},
		{"deaf-read", "h2client: the read probe (CALL runtime.memmove) never fired while data was received;"},
	} {
		t.Run(tt.plan, func(t *testing.T) {
			args := stormArgs(t, srv.addr, []string{"-impl", "net", "-repeat", "-scenario", "tiny"})
			tr := startTracing(t, command{args: args, env: append(peerEnv(a), testPlan(tt.plan))})
			if ofPackets() {
				await(t, "header lists", func() bool { return lines(tr.events, `":status"`) > 1000 })
			} else {
				await(t, "a loss", func() bool { return lines(tr.events, `"event":"loss"`) > 0 })
				known := lines(tr.events, `"headers":[`)
				await(t, "header lists after it", func() bool { return lines(tr.events, `"headers":[`) > known+100 })
			}
			r := tr.wait()
			checkDeaf(t, r, tt.message)
			checkUnknown(t, r.stream)
		})
	}
}

// checkDeaf requires one message that ends with, or has, a text, and one loss of unknown
// size, of the one connection. Where bytes come from packets it requires neither.
func checkDeaf(t *testing.T, r *result, message string) {
	t.Helper()
	if err := checkSummary(r.stream); err != nil {
		t.Error(err)
	}
	want := 1
	if ofPackets() {
		want = 0
	}
	if strings.Count(r.stderr, message) != want || strings.Count(r.stderr, " never fired ") != want {
		t.Errorf("%d messages %q:\n%s", strings.Count(r.stderr, message), message, indent(messagesOf(r.stderr)))
	}
	losses := r.stream.Of("loss")
	if len(losses) != want {
		t.Fatalf("losses:%s", rawOf(losses))
	}
	for _, e := range losses {
		if !strings.Contains(e.Raw, `"reason":"gap","records":0,"bytes":null,"conn":"c1"`) {
			t.Errorf("got %s", e.Raw)
		}
	}
}

// checkUnknown requires that all windows are unknown after a loss of a direction.
func checkUnknown(t *testing.T, s *contract.Stream) {
	t.Helper()
	for _, loss := range s.Of("loss") {
		for _, e := range s.Of("frame") {
			if w := e.Window; e.Line > loss.Line && w != (contract.Window{}) {
				t.Fatalf("a window is known after a loss: %s", e.Raw)
			}
		}
	}
}

// silentSource connects to servers, and moves bytes until its stdin ends; its first
// argument says which. Meanwhile it opens and closes other TLS connections.
//
//	plain   much over many TCP connections, and nothing over TLS connections
//	read    TLS from the server
//	write   TLS to the server
//	unread  the same, while the server sends much that nobody reads
//	later   the same, on connections that moved much without TLS before
const silentSource = `package main

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"os"
	"time"
)

func main() {
	for range 40 {
		conn, err := net.Dial("tcp", os.Args[3])
		if err != nil {
			log.Fatal(err)
		}
		go io.Copy(conn, conn)
		go conn.Write(make([]byte, 1000))
	}
	for range 5 {
		tcp, err := net.Dial("tcp", os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		if os.Args[1] == "later" {
			tcp.Write(make([]byte, 1<<20))
			io.ReadFull(tcp, make([]byte, 1<<20))
		}
		conn := tls.Client(tcp, &tls.Config{InsecureSkipVerify: true})
		if err := conn.Handshake(); err != nil {
			log.Fatal(err)
		}
		switch os.Args[1] {
		case "read":
			go io.Copy(io.Discard, struct{ io.Reader }{conn})
		case "write", "unread", "later":
			go io.Copy(conn, struct{ io.Reader }{zeros{}})
		}
		defer conn.Close()
	}
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			if conn, err := tls.Dial("tcp", os.Args[2], &tls.Config{InsecureSkipVerify: true}); err == nil {
				conn.Close()
			}
		}
	}()
	io.Copy(io.Discard, os.Stdin)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond) // much, and no more than h2trace can take
	return min(len(p), 1000), nil
}
`

var silent = goProgram{name: "silent", source: silentSource}

// TestSilentPrograms observes programs that move bytes without plaintext in one or
// both directions. No probe is called dead.
func TestSilentPrograms(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{a.Server(t)}}
	plain := serveConns(t, nil, func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
	discard := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	say := func(conn net.Conn) { _, _ = io.Copy(conn, neverEnding{}) }
	for _, tt := range []struct {
		does  string
		tls   *tls.Config
		serve func(net.Conn)
	}{
		{"plain", config, discard},
		{"read", config, say},
		{"write", config, discard},
		{"unread", config, func(conn net.Conn) { go say(conn); discard(conn) }},
		{"later", nil, func(conn net.Conn) {
			first := make([]byte, 1<<20)
			if _, err := io.ReadFull(conn, first[:1]); err != nil || first[0] != 0 { // of a ClientHello
				return
			}
			_, _ = io.ReadFull(conn, first[1:])
			_, _ = conn.Write(first)
			discard(tls.Server(conn, config))
		}},
	} {
		t.Run(tt.does, func(t *testing.T) {
			addr := serveConns(t, tt.tls, tt.serve)
			// Each run has its own executable, of which nothing is known.
			program := filepath.Join(t.TempDir(), "silent")
			silent.copyTo(t, program)
			tr := startTracing(t, command{args: []string{program, tt.does, addr, plain}, flags: []string{"-e", "process,conn", "--source", "calls"}})
			await(t, "connections", func() bool { return lines(tr.events, `"action":"open"`) > 3 })
			time.Sleep(2 * time.Second) // three looks at the sockets, and more
			r := tr.wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
			}
			if list := processEvents(r.stream, "attached"); len(list) != 1 {
				t.Errorf("attached:%s", rawOf(list))
			}
			for _, e := range r.stream.Of("loss") { // a write of untouched memory faults
				if e.Reason == "gap" {
					t.Errorf("nothing was missed: %s", e.Raw)
				}
			}
		})
	}
}

type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond) // much, and no more than h2trace can handle
	return min(len(p), 1000), nil
}

// serveConns is a server on loopback, over TLS if there is a configuration.
func serveConns(t *testing.T, config *tls.Config, serve func(net.Conn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
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
			go func() {
				defer conn.Close()
				if config != nil {
					conn = tls.Server(conn, config)
				}
				serve(conn)
			}()
		}
	}()
	return ln.Addr().String()
}
