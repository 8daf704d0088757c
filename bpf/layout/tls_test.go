package layout

import (
	"crypto/tls"
	"reflect"
	"runtime"
	"testing"
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
