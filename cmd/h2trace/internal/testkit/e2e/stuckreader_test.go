package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// ledgerServer is an HTTP/2 server that counts the plaintext of its only connection.
type ledgerServer struct {
	url            string
	env            []string
	sent, received atomic.Int64
	served         atomic.Int64 // requests
}

// startLedger serves a body of bytes to every request.
func startLedger(t *testing.T, body []byte) *ledgerServer {
	t.Helper()
	a, ln := modproxy.NewAuthority(t), listenLocal(t)
	s := &ledgerServer{url: "https://" + ln.Addr().String(), env: peerEnv(a)}
	config := &tls.Config{Certificates: []tls.Certificate{a.Server(t)}, NextProtos: []string{"h2"}}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(body)
		s.served.Add(1)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		raw, err := ln.Accept()
		if err != nil {
			return
		}
		conn := &countedConn{Conn: tls.Server(raw, config), server: s}
		(&http2.Server{}).ServeConn(conn, &http2.ServeConnOpts{Handler: handler})
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
	})
	return s
}

// countedConn counts what goes through it for its server.
type countedConn struct {
	net.Conn
	server *ledgerServer
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.server.received.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.server.sent.Add(int64(n))
	return n, err
}

// TestReaderStalls has a reader of the events that does not read, or reads less than there is. The
// target goes on, and so do programs that are new. The memory of h2trace stays bounded. When the
// reader is back, what is missing is counted.
func TestReaderStalls(t *testing.T) {
	needProbes(t)
	for _, tt := range []struct {
		name string
		each int // what is read with each response
	}{{"stuck", 0}, {"slow", 256}} {
		t.Run(tt.name, func(t *testing.T) { stallReader(t, tt.each) })
	}
}

// What is printed of the responses is some thirty times as much as the --buffer holds.
const (
	stalledRequests = 300
	stalledBody     = 100_000
)

func stallReader(t *testing.T, each int) {
	s := startLedger(t, bytes.Repeat([]byte("0123456789"), stalledBody/10))
	args := []string{"mute", "-"}
	for i := range stalledRequests {
		args = append(args, s.url+"/"+strconv.Itoa(i))
	}
	target := startFile(t, fetch.path(t), s.env, append(args, "-", s.url+"/back", "-")...)
	sp := startSpawner(t, s.env)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tr := startPiped(t, w, "--buffer", "1MiB", "-s", "16384", "-p", join(target.pid, sp.pid))
	got, err := os.Create(filepath.Join(t.TempDir(), "events"))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	for lines(got.Name(), `"action":"attached"`) == 0 {
		copyN(t, got, r, 1)
	}
	before := statusOf(t, tr.Process.Pid, "VmRSS:") / 1024
	target.goOn()
	for i := range stalledRequests { // none of which waits
		await(t, "a response", func() bool { return s.served.Load() > int64(i) })
		copyN(t, got, r, each)
	}
	target.readPID() // it has read all responses
	for i := range 3 {
		file := filepath.Join(t.TempDir(), "new"+strconv.Itoa(i))
		fetch.copyTo(t, file)
		if took := sp.run(file).started; took > longHold {
			t.Errorf("a new program took %s to start", took)
		}
	}
	const part = "reader"
	within(t, part, "peak of resident memory over that before", statusOf(t, tr.Process.Pid, "VmHWM:")/1024-before, 16, "MB")
	read := make(chan error)
	go func() {
		_, err := io.Copy(got, r)
		read <- err
	}()
	await(t, "the loss to be announced", func() bool { return lines(got.Name(), `"event":"loss"`) > 0 })
	target.goOn()
	target.readPID()
	target.end()
	sp.end()
	if err := errors.Join(tr.Wait(), <-read); err != nil {
		t.Fatalf("%v\n%s", err, indent(tr.Stderr.(*bytes.Buffer).String()))
	}
	events, err := os.ReadFile(got.Name())
	if err != nil {
		t.Fatal(err)
	}
	checkStalled(t, s, events)
}

// startPiped starts h2trace with the writing end of a pipe as stdout.
func startPiped(t *testing.T, stdout *os.File, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin(t, "h2trace"), append([]string{"--source", source()}, args...)...)
	cmd.Stdout, cmd.Stderr = stdout, &bytes.Buffer{}
	err := cmd.Start()
	_ = stdout.Close()
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}

// copyN reads n bytes.
func copyN(t *testing.T, to io.Writer, from io.Reader, n int) {
	t.Helper()
	if _, err := io.CopyN(to, from, int64(n)); err != nil {
		t.Fatal(err)
	}
}

// checkStalled compares what is printed with what the server counts.
func checkStalled(t *testing.T, s *ledgerServer, events []byte) {
	t.Helper()
	stream, err := contract.Read(bytes.NewReader(events))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkBalance(stream); err != nil {
		t.Error(err)
	}
	balance, err := stream.Summary.Balance()
	if err != nil || balance.Lost == 0 {
		t.Fatalf("nothing was lost: this proves nothing: %v %s", err, stream.Summary.Raw)
	}
	var lost int64
	for _, e := range stream.Of("loss") {
		var n int64
		if err := json.Unmarshal(e.Bytes, &n); err != nil {
			t.Errorf("%v: %s", err, e.Raw)
		}
		if lost += n; e.Reason != "ring_full" || e.Conn != "c1" {
			t.Errorf("got %s", e.Raw)
		}
	}
	var bytes struct{ Seen, Captured int64 }
	if err := json.Unmarshal(stream.Summary.Bytes, &bytes); err != nil {
		t.Fatal(err)
	}
	sent, received := s.sent.Load(), s.received.Load()
	if ofPackets() { // which also have what TLS adds
		sent = max(sent, bytes.Seen-received)
	}
	if bytes.Seen != sent+received || bytes.Captured != bytes.Seen-lost {
		t.Errorf("%d bytes seen, %d captured and %d lost; the server sent %d and received %d", bytes.Seen, bytes.Captured, lost, sent, received)
	}
	conns := stream.Conns()
	if len(conns) != 1 || conns[0].Close == nil {
		t.Fatalf("%d connections, or not closed", len(conns))
	}
	if c := conns[0].Close; *c.BytesSent != s.received.Load() || *c.BytesReceived != s.sent.Load() {
		t.Errorf("the server sent %d bytes and received %d: %s", s.sent.Load(), s.received.Load(), c.Raw)
	}
	wantSound(t, stream)
	var back []string // of the request when the reader was back
	data := 0
	for _, f := range conns[0].Frames {
		if f.Stream != 2*stalledRequests+1 { // RFC 9113 §5.1.1
			continue
		}
		if f.Type == "HEADERS" {
			back = append(back, f.Dir+" "+f.Type)
		}
		data += int(f.DataLength)
	}
	slices.Sort(back) // each direction is found again for itself
	if diff := cmp.Diff([]string{"recv HEADERS", "send HEADERS"}, back); diff != "" || data != stalledBody {
		t.Errorf("frames of the last request (-want +got), with %d bytes of data:\n%s", data, diff)
	}
}
