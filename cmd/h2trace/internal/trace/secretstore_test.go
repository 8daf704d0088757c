//go:build linux

package trace

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"h2trace/bpf"
)

// TestSecretStore has secrets of a session repeated, as rotated captures and key log files do.
func TestSecretStore(t *testing.T) {
	s := newSecretStore()
	var lines strings.Builder
	for range 20 {
		for _, label := range labels[1:4] {
			fmt.Fprintf(&lines, "%s %064x %064x\n", label, 1, 2)
		}
		fmt.Fprintf(&lines, "EXPORTER_SECRET %064x %064x\n", 1, 2)
	}
	fmt.Fprintf(&lines, "%s %064x %096x\n", bpf.LabelServerTraffic, 1, 3)
	_, err := readKeyLog(strings.NewReader(lines.String()), s.add)
	do(t, err)
	var got []string
	for _, secret := range s.of(random{31: 1}) {
		got = append(got, fmt.Sprintf("%s %d", secret.label, len(secret.value)))
	}
	want := "CLIENT_HANDSHAKE_TRAFFIC_SECRET 32, SERVER_HANDSHAKE_TRAFFIC_SECRET 32, CLIENT_TRAFFIC_SECRET_0 32, SERVER_TRAFFIC_SECRET_0 48"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s", strings.Join(got, ", "))
	}
}

// TestSecretStoreMemory fills a store. Connections need memory beside it.
func TestSecretStoreMemory(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	s := newSecretStore()
	for i := range maxStored + 10 {
		secret := bpf.Secret{Secret: make([]byte, 32)}
		secret.ClientRandom = random{byte(i), byte(i >> 8), byte(i >> 16)}
		for _, secret.Label = range labels[1:] {
			s.add(&secret)
		}
	}
	if grown := heap() - before; grown > 40<<20 {
		t.Errorf("%d bytes", grown)
	}
	if s.left != 40 {
		t.Errorf("%d secrets left out, want 40", s.left)
	}
	runtime.KeepAlive(s)
}
