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

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
)

// TestDeafProbe has a probe of one direction that does nothing, like one at a wrong
// place. h2trace notices and says so, the fallback replaces it, and the rest of the
// traffic is what the process itself logged.
func TestDeafProbe(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	for _, tt := range []struct{ plan, probe, was string }{
		{"deaf-write", "write", "PUSH BP"},
		{"deaf-read", "read", "CALL runtime.memmove"},
	} {
		for _, side := range []string{"client", "server"} {
			t.Run(tt.plan+"/"+side, func(t *testing.T) {
				logFile := filepath.Join(t.TempDir(), "debug.log")
				pid, end := startPair(t, a, side, "net", "tiny", logFile)
				await(t, "requests before the attach", func() bool { return lines(logFile, ":path") > 50 })
				tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(pid)}, env: append(os.Environ(), testPlan(tt.plan))})
				await(t, "another plan", func() bool { return lines(tr.events, `"`+tt.probe+`":"entry+RET"`) > 0 })
				known := lines(tr.events, `"headers":[`)
				await(t, "header lists", func() bool { return lines(tr.events, `"headers":[`) > known+100 })
				r := tr.interrupt()
				end()
				want := "h2client: the " + tt.probe + " probe (" + tt.was + ") never fired while data was "
				if !strings.Contains(r.stderr, strings.Replace(want, "h2client", "h2"+side, 1)) {
					t.Errorf("no message %q:\n%s", want, indent(messagesOf(r.stderr)))
				}
				if err := checkSummary(r.stream); err != nil {
					t.Error(err)
				}
				checkHealed(t, r.stream, logFile)
			})
		}
	}
}

// checkHealed requires that the first connection, which is whole in one direction
// only, is reported as incomplete, and that the second is equal to the log.
func checkHealed(t *testing.T, s *contract.Stream, logFile string) {
	t.Helper()
	conns := s.Conns()
	if len(conns) != 2 || len(conns[0].Loss) != 1 || conns[0].Loss[0].Reason != "gap" || conns[0].Close == nil {
		t.Fatalf("%d connections, losses:%s", len(conns), rawOf(s.Of("loss")))
	}
	if open := conns[1].Open; open.Joined != "mid" || open.Local != conns[0].Open.Local {
		t.Errorf("it went on as %s", open.Raw)
	}
	log := readLog(t, logFile)
	headers := http2debug.Attribute(eventsOf(log, log.Conns[0]), log.Conns[0])
	checkPartial(t, &oracle.Partial{Trace: conns[1], Log: log.Conns[0], Headers: headers})
	checkJoined(t, conns[1])
}

// silentSource connects to servers, and moves bytes until its stdin ends; its first
// argument says which. Meanwhile it opens and closes other TLS connections.
//
//	plain  much over many TCP connections, and nothing over TLS connections
//	read   TLS from the server
//	write  TLS to the server
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
		conn, err := tls.Dial("tcp", os.Args[2], &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			log.Fatal(err)
		}
		switch os.Args[1] {
		case "read":
			go io.Copy(io.Discard, struct{ io.Reader }{conn})
		case "write":
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
// both directions: witnesses are attached, and convict nobody.
func TestSilentPrograms(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	plain := serveConns(t, nil, func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
	discard := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	for _, tt := range []struct {
		does      string
		serve     func(net.Conn)
		witnesses []string
	}{
		{"plain", discard, []string{"witness_write", "witness_read"}},
		{"read", func(conn net.Conn) { _, _ = io.Copy(conn, neverEnding{}) }, []string{"witness_write"}},
		{"write", discard, []string{"witness_read"}},
	} {
		t.Run(tt.does, func(t *testing.T) {
			addr := serveConns(t, &tls.Config{Certificates: []tls.Certificate{a.Server(t)}}, tt.serve)
			// Each run has its own executable, of which nothing is known.
			program := filepath.Join(t.TempDir(), "silent")
			silent.copyTo(t, program)
			tr := startTracing(t, command{args: []string{program, tt.does, addr, plain}, flags: []string{"-e", "process,conn", "--source", "calls"}})
			for _, name := range tt.witnesses {
				await(t, name, func() bool { return attached(t, name) })
			}
			known := lines(tr.events, `"action":"open"`)
			await(t, "half a second of connections", func() bool { return lines(tr.events, `"action":"open"`) > known+10 })
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

// attached reports whether a BPF program of that name is attached anywhere.
func attached(t *testing.T, name string) bool {
	t.Helper()
	for it := new(link.Iterator); it.Next(); {
		info, err := it.Link.Info()
		if err != nil {
			continue // it is gone
		}
		prog, err := ebpf.NewProgramFromID(info.Program)
		if err != nil {
			continue
		}
		about, err := prog.Info()
		_ = prog.Close()
		if err == nil && about.Name == name {
			return true
		}
	}
	return false
}
