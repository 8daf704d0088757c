package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// leftIn counts the entries of the BPF maps of a process that must be empty when all
// targets have ended, by name.
func leftIn(t testing.TB, pid int) map[string]int {
	t.Helper()
	left := make(map[string]int)
	infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		b, err := os.ReadFile(info)
		_, after, found := strings.Cut(string(b), "map_id:\t")
		var id ebpf.MapID
		if _, scanErr := fmt.Sscan(after, &id); err != nil || !found || scanErr != nil {
			continue
		}
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			t.Fatal(err)
		}
		meta, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		switch meta.Name {
		case "targets", "conns", "socks", "calls", "wants":
			left[meta.Name] += entries(t, m)
		}
		_ = m.Close()
	}
	if len(left) < 5 {
		t.Fatalf("maps of h2trace: found %v", left)
	}
	return left
}

func entries(t testing.TB, m *ebpf.Map) int {
	t.Helper()
	key, value := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
	n := 0
	it := m.Iterate()
	for it.Next(&key, &value) {
		n++
	}
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		t.Fatal(err)
	}
	return n
}

// awaitEmpty waits until they are empty.
func awaitEmpty(t testing.TB, pid int) {
	t.Helper()
	var left map[string]int
	await(t, "the end of what processes left", func() bool {
		left = leftIn(t, pid)
		sum := 0
		for _, n := range left {
			sum += n
		}
		return sum == 0
	})
}
