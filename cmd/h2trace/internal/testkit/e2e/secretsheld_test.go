package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// TestSecretsHeld holds a connection open and then closes it: h2trace has its session secrets
// meanwhile, and not afterwards.
func TestSecretsHeld(t *testing.T) {
	t.Parallel()
	needProbes(t)
	s := startSite(t)
	tr := startTracing(t, command{flags: []string{"--source", "wire"}, args: []string{"sh", "-c", `"$0" mute "$1" - <&0; cat`, fetch.path(t), s.url + "/x"}, env: s.env})
	tr.line()
	await(t, "its secrets", func() bool { return s.secrets.heldBy(t, tr.cmd.Process.Pid) > 0 })
	if _, err := io.WriteString(tr.stdin, "\n"); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of its secrets", func() bool { return s.secrets.heldBy(t, tr.cmd.Process.Pid) == 0 })
	tr.good()
}

// secretLog keeps the session secrets that a server writes as a key log. It is safe for concurrent use.
type secretLog struct {
	mu   sync.Mutex
	list [][]byte
}

// Write takes a line: a label, the client random and the secret, both in hexadecimal.
func (l *secretLog) Write(line []byte) (int, error) {
	words := bytes.Fields(line)
	secret, err := hex.DecodeString(string(words[len(words)-1]))
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, secret)
	return len(line), nil
}

// all returns the secrets so far.
func (l *secretLog) all() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list[:len(l.list):len(l.list)]
}

// heldBy counts which of the secrets are in the private memory of a process, as they are. That
// leaves out the ring buffer of the kernel, which is shared: records stay there until others take
// their place.
func (l *secretLog) heldBy(t testing.TB, pid int) (held int) {
	t.Helper()
	byStart := make(map[uint64][][]byte)
	for _, s := range l.all() {
		start := binary.NativeEndian.Uint64(s)
		byStart[start] = append(byStart[start], s)
	}
	// Most bytes begin no secret; a small table says so faster than a map.
	var begins [1 << 16]bool
	for start := range byStart {
		begins[uint16(start)] = true
	}
	found := make(map[string]bool)
	for b := range privateMemory(t, pid) {
		for i := range len(b) - 8 {
			if !begins[binary.NativeEndian.Uint16(b[i:])] {
				continue
			}
			for _, s := range byStart[binary.NativeEndian.Uint64(b[i:])] {
				if bytes.HasPrefix(b[i:], s) {
					found[string(s)] = true
				}
			}
		}
	}
	return len(found)
}

// privateMemory returns what is in each private, writable mapping of a process. What it unmaps
// meanwhile is left out.
func privateMemory(t testing.TB, pid int) func(yield func([]byte) bool) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func([]byte) bool) {
		defer memory.Close()
		for line := range strings.Lines(string(maps)) {
			var from, to uint64
			var mode string
			if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if mode != "rw-p" || to-from > 1<<30 {
				continue
			}
			b := make([]byte, to-from)
			n, _ := memory.ReadAt(b, int64(from)) // up to a page that is unmapped
			if n > 8 && !yield(b[:n]) {
				return
			}
		}
	}
}
