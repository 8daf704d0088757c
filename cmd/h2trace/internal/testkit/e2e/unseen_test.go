package e2e

import (
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// unseenSource is a program that links crypto/tls, and moves bytes over a connection
// to a server of its own; its first argument says how. With silent, the server is at
// the address of its second argument. It prints its process id, then moves bytes for
// each line of its stdin, and reports that.
//
//	encrypted  by another cipher than those of crypto/tls
//	foreign    TLS that bypasses crypto/tls: it copies the bytes of two of its own
//	           tls.Conn from pipes to TCP and back
//	unix       HTTP without TLS on a Unix socket, the path of its second argument
//	silent     nothing
//	http       HTTP without TLS
const unseenSource = `package main

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	_ = tls.VersionTLS13
	network, address := "tcp", "127.0.0.1:0"
	if os.Args[1] == "unix" {
		network, address = "unix", os.Args[2]
	}
	var client, server net.Conn
	open := func() {
		if os.Args[1] == "silent" {
			var err error
			client, err = net.Dial("tcp", os.Args[2])
			check(err)
			return
		}
		ln, err := net.Listen(network, address)
		check(err)
		client, err = net.Dial(network, ln.Addr().String())
		check(err)
		server, err = ln.Accept()
		check(err)
	}
	in := bufio.NewScanner(os.Stdin)
	early := len(os.Args) > 3
	if early {
		open()
	}
	fmt.Println(os.Getpid())
	for in.Scan() {
		if client == nil {
			open()
		}
		move(client, server)
		fmt.Println("moved")
	}
}

func move(client, server net.Conn) {
	switch os.Args[1] {
	case "silent":
	case "unix", "http":
		say(client, server, []byte("GET / HTTP/1.1\r\nHost: unseen.example\r\n\r\n"))
		say(server, client, []byte("HTTP/1.1 204 No Content\r\n\r\n"))
	case "foreign":
		say(client, server, append([]byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3}, make([]byte, 506)...))
		say(server, client, append([]byte{22, 3, 3, 2, 0, 2}, make([]byte, 511)...))
	default:
		block, err := aes.NewCipher([]byte("0123456789abcdef"))
		check(err)
		bytes := make([]byte, 2000)
		cipher.NewCTR(block, make([]byte, 16)).XORKeyStream(bytes, bytes)
		say(client, server, bytes)
		say(server, client, bytes)
	}
}

func say(from, to net.Conn, b []byte) {
	_, err := from.Write(b)
	check(err)
	_, err = io.ReadFull(to, make([]byte, len(b)))
	check(err)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
`

var unseen = goProgram{name: "unseen", source: unseenSource}

// TestUnseen has programs whose traffic h2trace cannot see: it says so, and why, once
// for a process.
func TestUnseen(t *testing.T) {
	needProbes(t)
	for _, tt := range []struct {
		name, reason string
		late         string // the reason for a connection that was open before
	}{
		{name: "encrypted", reason: "neither HTTP nor TLS of crypto/tls"},
		{name: "foreign", reason: "TLS that does not pass crypto/tls", late: "neither HTTP nor TLS of crypto/tls"},
		{name: "unix", reason: "Unix sockets"},
		{name: "http"},
	} {
		if tt.late == "" {
			tt.late = tt.reason
		}
		want := wantUnseen
		if tt.name == "foreign" && ofPackets() {
			want = wantNotDecrypted
		}
		args := func(t *testing.T, early ...string) []string {
			return append([]string{tt.name, filepath.Join(t.TempDir(), "socket")}, early...)
		}
		t.Run(tt.name+"/run", func(t *testing.T) {
			t.Parallel()
			tr := startTracing(t, command{args: append([]string{unseen.path(t)}, args(t)...)})
			tr.line()
			tr.enter("once")
			tr.enter("again")
			want(t, tr.wait(), tt.reason)
		})
		t.Run(tt.name+"/attached", func(t *testing.T) {
			t.Parallel()
			target := startProgram(t, unseen, args(t, "early")...)
			tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
			tr.awaitEvent(`"action":"attached"`, 1)
			target.goOn()
			firstLine(t, target.stdout)
			tr.signal(syscall.SIGINT) // the target goes on
			want(t, tr.wait(), tt.late)
		})
	}
	t.Run("meanwhile", func(t *testing.T) {
		t.Parallel()
		target := startProgram(t, unseen, "encrypted", "", "early")
		tr := startTracing(t, command{flags: []string{"-n", "no-such-name", "-p", strconv.Itoa(target.pid)}})
		tr.awaitEvent(`"action":"attached"`, 1)
		target.goOn()
		tr.awaitEvent(`"reason":"its connections carry`, 1)
		target.end()
		tr.signal(syscall.SIGINT)
		wantUnseen(t, tr.wait(), "neither HTTP nor TLS of crypto/tls")
	})
}

// enter makes COMMAND move bytes.
func (tr *tracing) enter(line string) {
	tr.t.Helper()
	if _, err := io.WriteString(tr.stdin, line+"\n"); err != nil {
		tr.t.Fatal(err)
	}
	if got := tr.line(); got != "moved" {
		tr.t.Fatalf("got %q", got)
	}
}

// wantNotDecrypted requires that the connections say that they are not decrypted.
func wantNotDecrypted(t *testing.T, r *result, _ string) {
	t.Helper()
	wantUnseen(t, r, "")
	opened := 0
	for _, c := range r.stream.Conns() {
		if c.Open != nil && strings.Contains(c.Open.Raw, `"reason":"not decrypted: `) {
			opened++
		}
	}
	if opened != 2 || len(r.stream.Of("frame")) > 0 {
		t.Errorf("%d connections say that they are not decrypted, want both ends of one", opened)
	}
}

// wantUnseen requires the reason in one event and one message, or none if it is
// empty.
func wantUnseen(t *testing.T, r *result, reason string) {
	t.Helper()
	var got []string
	for _, e := range processEvents(r.stream, "attached") {
		if e.Reason != "" {
			got = append(got, e.Reason)
		}
	}
	said := strings.Count(r.stderr, "nothing is seen of what process ")
	if reason == "" {
		if len(got)+said > 0 {
			t.Errorf("a false alarm: %q\n%s", got, indent(r.stderr))
		}
		return
	}
	if len(got) != 1 || !strings.Contains(got[0], reason) || said != 1 || !strings.Contains(r.stderr, reason) {
		t.Errorf("got %q, want one with %q\n%s", got, reason, indent(r.stderr))
	}
}

// TestSilent has connections without traffic during the capture.
func TestSilent(t *testing.T) {
	needProbes(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0") // its backlog accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	silent := func(t *testing.T, r *result, remote, keys string) {
		t.Helper()
		var got []string
		for _, e := range r.stream.Of("conn") {
			if e.Action == "silent" && strings.Contains(e.Raw, `"remote":"`+remote+`"`) {
				got = append(got, e.Raw)
			}
		}
		if len(got) != 1 || !strings.Contains(got[0], `"role":"client"`) || !strings.Contains(got[0], keys) {
			t.Errorf("got %q, want one with %s", got, keys)
		}
	}
	t.Run("at the end of the observing", func(t *testing.T) {
		t.Parallel()
		target := startProgram(t, unseen, "silent", ln.Addr().String(), "early")
		tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
		tr.awaitEvent(`"action":"attached"`, 1)
		tr.signal(syscall.SIGINT)
		r := tr.wait()
		silent(t, r, ln.Addr().String(), `"joined":"mid"`)
		silent(t, r, ln.Addr().String(), `"bytes_sent":0,"bytes_received":0,"state":"connected","silent_ms":`)
		wantUnseen(t, r, "")
	})
	t.Run("when the process ends", func(t *testing.T) {
		t.Parallel()
		target := startProgram(t, unseen, "silent", ln.Addr().String(), "early")
		tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
		tr.awaitEvent(`"action":"attached"`, 1)
		target.end()
		silent(t, tr.wait(), ln.Addr().String(), `"joined":"mid"`)
	})
	t.Run("run", func(t *testing.T) {
		t.Parallel()
		tr := startTracing(t, command{args: []string{unseen.path(t), "silent", ln.Addr().String()}})
		tr.line()
		tr.enter("open")
		silent(t, tr.wait(), ln.Addr().String(), `"joined":"start"`)
	})
	t.Run("killed", func(t *testing.T) { // while it waits for a response
		t.Parallel()
		hung := hangingServer(t)
		target := startProgram(t, fetch, "-", "http://"+hung.addr+"/never")
		target.goOn()
		<-hung.asked
		tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
		tr.awaitEvent(`"action":"attached"`, 1)
		_ = target.cmd.Process.Kill()
		silent(t, tr.wait(), hung.addr, `"last":"send"`)
	})
}

// hanging is a server that takes a request and does not respond.
type hanging struct {
	addr  string
	asked chan struct{} // closed when there is one
}

func hangingServer(t *testing.T) *hanging {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hanging{addr: ln.Addr().String(), asked: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 1<<10))
		close(h.asked)
		_, _ = io.Copy(io.Discard, conn) // until the client goes
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return h
}
