package tls

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestKeyLog has secrets of a session repeated, as rotated captures and key log files do.
func TestKeyLog(t *testing.T) {
	var l KeyLog
	var lines strings.Builder
	lines.WriteString("# a comment\n\n" + strings.Repeat("x", 10_000) + "\n")
	for range 20 {
		for _, label := range labels[1:4] {
			fmt.Fprintf(&lines, "%s %064x %064x\n", label, 1, 2)
		}
		fmt.Fprintf(&lines, "EXPORTER_SECRET %064x %064x\n", 1, 2)
	}
	fmt.Fprintf(&lines, "%s %064x %096x\n", labelServerApplication, 1, 3)
	fmt.Fprintf(&lines, "%s %064x %098x\n", labelMaster, 1, 3) // longer than any
	if n, err := ReadKeyLog(strings.NewReader(lines.String()), l.Add); n != 61 || err != nil {
		t.Errorf("got %d secrets, %v, want 61", n, err)
	}
	var got []string
	for label, secret := range l.Of([32]byte{31: 1}) {
		got = append(got, fmt.Sprintf("%s %d", label, len(secret)))
	}
	want := "CLIENT_HANDSHAKE_TRAFFIC_SECRET 32, SERVER_HANDSHAKE_TRAFFIC_SECRET 32, CLIENT_TRAFFIC_SECRET_0 32, SERVER_TRAFFIC_SECRET_0 48"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s", strings.Join(got, ", "))
	}
	l.Wipe()
	for label := range l.Of([32]byte{31: 1}) {
		t.Errorf("%s is left after Wipe", label)
	}
}

// FuzzReadKeyLog has a secret that was read written and read again.
func FuzzReadKeyLog(f *testing.F) {
	f.Add([]byte(fmt.Sprintf("%s %064x %096x\n", labelMaster, 1, 2)))
	f.Add([]byte("CLIENT_RANDOM  0g 00\r\n# CLIENT_RANDOM\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := ReadKeyLog(bytes.NewReader(b), func(label string, random [32]byte, secret []byte) {
			line := fmt.Sprintf("%s %x %x\n", label, random, secret)
			n, err := ReadKeyLog(strings.NewReader(line), func(again string, r [32]byte, s []byte) {
				if again != label || r != random || !bytes.Equal(s, secret) {
					t.Errorf("%q is read as %s %x %x", line, again, r, s)
				}
			})
			if n != 1 || err != nil {
				t.Errorf("%q: %d secrets, %v", line, n, err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestKeyLogMemory fills a KeyLog. Connections need memory beside it.
func TestKeyLogMemory(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	var l KeyLog
	for i := range maxLogged + 10 {
		for _, label := range labels[1:] {
			l.Add(label, [32]byte{byte(i), byte(i >> 8), byte(i >> 16)}, make([]byte, 32))
		}
	}
	if grown := heap() - before; grown > 40<<20 {
		t.Errorf("%d bytes", grown)
	}
	if l.Left() != 40 {
		t.Errorf("%d secrets left out, want 40", l.Left())
	}
	runtime.KeepAlive(&l)
}
