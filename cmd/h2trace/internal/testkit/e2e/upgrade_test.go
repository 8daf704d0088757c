package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
)

// TestUpgrade compares HTTP/2 that began as HTTP/1.1 (RFC 7540 §3.2) with the log of
// the server.
func TestUpgrade(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	tr := startTracing(t, command{args: []string{bin(t, "h2server"), "-plain", "-impl", "x"}, env: debugEnv(peerEnv(a))})
	addr := tr.line()
	if got := upgrade(t, addr, "/size?n=160000"); got != bodyLength {
		t.Errorf("the client got %d bytes", got)
	}
	r := tr.wait()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	pairs, err := oracle.Match(r.stream.Conns(), r.log, oracle.Options{Tail: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) != 1 || pairs[0].Trace.Open.Protocol != "http/1.1" || pairs[0].Trace.Close.Protocol != "h2c" {
		t.Fatalf("got %d connections: %+v", len(pairs), pairs)
	}
	wantSound(t, r.stream)
	first := slices.IndexFunc(pairs[0].Trace.Frames, func(e *contract.Event) bool { return e.Type == "DATA" })
	if e := pairs[0].Trace.Frames[first]; e.Window.StreamSend == nil || *e.Window.StreamSend != window-int64(e.Length) {
		t.Errorf("the window of the request's settings is not in %s", e.Raw)
	}
	exchanges, err := r.stream.Exchanges()
	if err != nil || len(exchanges) != 1 {
		t.Fatalf("got %d exchanges: %v", len(exchanges), err)
	}
	x := exchanges[0]
	if x.Stream != 1 || x.URL != "http://"+addr+"/size?n=160000" || x.Status != 200 || x.Protocol != "h2c" ||
		x.ResponseBytes == nil || *x.ResponseBytes != bodyLength || x.Error != nil {
		t.Errorf("got %+v", x)
	}
}

const (
	bodyLength = 160_000
	window     = 200_000 // of the request's settings
)

// upgrade requests a path in HTTP/1.1, and continues in HTTP/2. It returns the length
// of the body.
func upgrade(t *testing.T, addr, path string) (got int) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	settings := []byte{0, 4, 0, 3, 0x0d, 0x40} // INITIAL_WINDOW_SIZE
	_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+addr+"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"+
		"HTTP2-Settings: "+base64.RawURLEncoding.EncodeToString(settings)+"\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || !strings.EqualFold(resp.Header.Get("Upgrade"), "h2c") {
		t.Fatalf("%v: got %+v", err, resp)
	}
	var out bytes.Buffer
	out.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&out, in)
	for _, err := range []error{
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}),
		framer.WriteWindowUpdate(0, window),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Write(out.Bytes()); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := f.(*http2.DataFrame); ok {
			if got += len(d.Data()); d.StreamEnded() {
				return got
			}
		}
	}
}
