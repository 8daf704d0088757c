package e2e

import (
	"bufio"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// resources is what h2trace and its gatekeeper hold, by kind.
type resources map[string]float64

// residentMemory is the kind that is counted in MB, of 2^20 bytes.
const residentMemory = "resident memory, MB"

// resourcesOf examines an h2trace from outside.
func resourcesOf(t testing.TB, h2trace int) resources {
	t.Helper()
	r := make(resources)
	for _, pid := range []int{h2trace, gatekeeperOf(h2trace)} {
		r[residentMemory] += statusOf(t, pid, "VmRSS:") / 1024
		r["threads"] += statusOf(t, pid, "Threads:")
		r["goroutines"] += goroutinesOf(t, pid)
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			t.Fatal(err)
		}
		r["descriptors"] += float64(len(fds))
	}
	r["probes (BPF links)"] = float64(len(linksOf(h2trace)))
	for name, n := range entriesOf(t, h2trace) {
		r["entries of the map "+name] = n
	}
	return r
}

// statusOf returns a number of /proc/PID/status.
func statusOf(t testing.TB, pid int, key string) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, key); ok {
			n, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s of process %d", key, pid)
	return 0
}

// goroutinesOf returns the maximum number of goroutines so far in a process that runs
// h2trace: the runtime reuses those that ended.
func goroutinesOf(t testing.TB, pid int) float64 {
	t.Helper()
	f, err := elf.Open(bin(t, "h2trace"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name != "runtime.allglen" {
			continue
		}
		memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
		if err != nil {
			t.Fatal(err)
		}
		defer memory.Close()
		var b [8]byte
		if _, err := memory.ReadAt(b[:], int64(s.Value)); err != nil {
			t.Fatal(err)
		}
		return float64(binary.NativeEndian.Uint64(b[:]))
	}
	t.Fatal("h2trace has no runtime.allglen")
	return 0
}

// linksOf returns the BPF links that a process holds: its probes.
func linksOf(pid int) map[link.ID]bool {
	ids := make(map[link.ID]bool)
	for _, id := range fdinfo(pid, "link_id:") {
		ids[link.ID(id)] = true
	}
	return ids
}

// entriesOf counts the entries of the BPF hash maps that a process holds. It skips
// LRU maps: they may be full.
func entriesOf(t testing.TB, pid int) map[string]float64 {
	t.Helper()
	entries := make(map[string]float64)
	for _, id := range fdinfo(pid, "map_id:") {
		m, err := ebpf.NewMapFromID(ebpf.MapID(id))
		if err != nil {
			t.Fatal(err)
		}
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		if m.Type() == ebpf.Hash {
			entries[info.Name] = 0
			key, value := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
			for all := m.Iterate(); all.Next(&key, &value); {
				entries[info.Name]++
			}
		}
		_ = m.Close()
	}
	return entries
}

// fdinfo returns the numbers that the kernel reports under a key for the descriptors
// of a process, such as "map_id:".
func fdinfo(pid int, key string) []int {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		return nil
	}
	var list []int
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			continue // closed meanwhile
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if value, ok := strings.CutPrefix(lines.Text(), key); ok {
				if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
					list = append(list, n)
				}
			}
		}
		_ = f.Close()
	}
	return list
}
