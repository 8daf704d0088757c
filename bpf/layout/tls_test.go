package layout

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// TestReleasedTLS compares the layout of the release that runs the test with
// reflection.
func TestReleasedTLS(t *testing.T) {
	got := ReleasedTLS(runtime.Version())
	if got == nil {
		t.Fatalf("no layout of %s", runtime.Version())
	}
	conn := reflect.TypeFor[tls.Conn]()
	want := TLS{
		Version: offset(t, conn, "vers"), Cipher: offset(t, conn, "cipherSuite"), Resumed: offset(t, conn, "didResume"),
		ALPN: offset(t, conn, "clientProtocol"), SNI: offset(t, conn, "serverName"),
		ReadErr: offset(t, conn, "in", "err"),
		In:      offset(t, conn, "in"), Out: offset(t, conn, "out"),
		RawInput: offset(t, conn, "rawInput"), Input: offset(t, conn, "input"),
	}
	half, _ := conn.FieldByName("in")
	want.Half = HalfConn{
		Version: offset(t, half.Type, "version"), Cipher: offset(t, half.Type, "cipher"),
		Seq: offset(t, half.Type, "seq"), Secret: offset(t, half.Type, "trafficSecret"),
	}
	if *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	// The offsets in tls/conn.h itself: TLS_COMPLETE and its neighbours.
	for name, distance := range map[string]int{"isHandshakeComplete": -32, "handshakeErr": -16, "handshakes": 16} {
		if at := int(offset(t, conn, name)) - int(got.Version); at != distance {
			t.Errorf("%s is %d bytes from vers, want %d", name, at, distance)
		}
	}
	for _, version := range []string{"go1.17.13", "go1.28.0", "go1.27rc1", ""} {
		if l := ReleasedTLS(version); l != nil {
			t.Errorf("%q has the layout %+v", version, *l)
		}
	}
}

// TestMeasuredTLS compares layouts with those of programs in use, where they were tried
// by hand.
func TestMeasuredTLS(t *testing.T) {
	for _, tt := range []struct {
		version           string
		in, out, at, vers uint16
	}{
		{"go1.18", 344, 488, 120, 64},
		{"go1.19.13", 344, 488, 120, 64},
		{"go1.21.13", 376, 528, 128, 72},
		{"go1.23.12", 384, 536, 128, 72},
		{"go1.24.13", 384, 536, 128, 72},
		{"go1.25.5", 368, 520, 128, 72},
		{"go1.26.8", 368, 520, 128, 72},
		{"go1.27.3", 392, 544, 128, 72},
	} {
		l := ReleasedTLS(tt.version)
		want := HalfConn{Version: 24, Cipher: 32, Seq: 64, Secret: tt.at}
		if l == nil || l.In != tt.in || l.Out != tt.out || l.Version != tt.vers || l.Half != want {
			t.Errorf("%s: got %+v, want %+v", tt.version, l, tt)
		}
	}
}

// TestHalfConn reads the secrets and record numbers of both sides of a connection from
// their memory.
func TestHalfConn(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) { testHalfConn(t, version) })
	}
}

func testHalfConn(t *testing.T, version uint16) {
	l := ReleasedTLS(runtime.Version())
	if l == nil {
		t.Fatalf("no layout of %s", runtime.Version())
	}
	var log bytes.Buffer
	client, server := connect(t, version, &log)
	before := halfOf(client, l.Out, l).seq
	const records = 3
	for range records {
		exchange(t, client, server)
	}
	secrets := [2]string{} // of the client, of the server
	if version == tls.VersionTLS13 {
		for line := range strings.Lines(log.String()) {
			label, secret := strings.Fields(line)[0], strings.Fields(line)[2]
			switch label {
			case "CLIENT_TRAFFIC_SECRET_0":
				secrets[0] = secret
			case "SERVER_TRAFFIC_SECRET_0":
				secrets[1] = secret
			}
		}
	}
	for name, tt := range map[string]struct {
		got  half
		from int
	}{
		"client out": {halfOf(client, l.Out, l), 0}, "server in": {halfOf(server, l.In, l), 0},
		"client in": {halfOf(client, l.In, l), 1}, "server out": {halfOf(server, l.Out, l), 1},
	} {
		if tt.got.version != version || tt.got.cipher == nil || tt.got.secret != secrets[tt.from] {
			t.Errorf("%s: another version, cipher or secret in memory", name)
		}
		if tt.from == 0 && tt.got.seq != before+records {
			t.Errorf("%s: the next record has number %d, want %d", name, tt.got.seq, before+records)
		}
	}
}

// half is the state of one direction.
type half struct {
	version uint16
	cipher  any
	seq     uint64
	secret  string
}

func halfOf(c *tls.Conn, at uint16, l *TLS) half {
	field := func(offset uint16) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(c), at+offset) }
	return half{
		version: *(*uint16)(field(l.Half.Version)),
		cipher:  *(*any)(field(l.Half.Cipher)),
		seq:     binary.BigEndian.Uint64((*[8]byte)(field(l.Half.Seq))[:]),
		secret:  fmt.Sprintf("%x", *(*[]byte)(field(l.Half.Secret))),
	}
}

// connect returns both sides of a connection after its handshake.
func connect(t *testing.T, version uint16, log io.Writer) (client, server *tls.Conn) {
	t.Helper()
	https := httptest.NewTLSServer(nil)
	https.Close()
	a, b := net.Pipe()
	client = tls.Client(a, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
	server = tls.Server(b, &tls.Config{Certificates: https.TLS.Certificates, KeyLogWriter: log, SessionTicketsDisabled: true})
	t.Cleanup(func() { _ = errors.Join(a.Close(), b.Close()) })
	exchange(t, client, server)
	return client, server
}

// exchange sends a byte from the client to the server, and one back.
func exchange(t *testing.T, client, server *tls.Conn) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(server, make([]byte, 1))
		if err == nil {
			_, err = server.Write([]byte("x"))
		}
		done <- err
	}()
	_, err := client.Write([]byte("x"))
	if err == nil {
		_, err = io.ReadFull(client, make([]byte, 1))
	}
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
}

// TestFewTLSLayouts counts the layouts that processes may have at a time. Package bpf numbers
// them: a site with more than its map tls_layouts has room for would get no probe.
func TestFewTLSLayouts(t *testing.T) {
	const room = 64
	different := make(map[TLS]bool)
	for _, spans := range tlsReleases {
		for _, s := range spans {
			different[*s.layout] = true
		}
	}
	if n := len(different); n == 0 || n > room {
		t.Errorf("%d layouts, want 1 to %d", n, room)
	}
	t.Logf("%d layouts", len(different))
}
