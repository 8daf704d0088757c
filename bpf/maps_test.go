//go:build linux

package bpf

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// growth builds maps of many sizes, some by deleting again, and prints the address of
// each with its keys.
const growth = `package main

import (
	"bufio"
	"fmt"
	"os"
	"unsafe"
)

type elem struct{ key uint32 }

func main() {
	var keep []map[uint32]*elem
	for n := uint32(0); n < 700; n += 1 + n/9 {
		for _, gone := range []uint32{0, n / 3, n} {
			m := make(map[uint32]*elem)
			for k := uint32(0); k < n; k++ {
				m[2*k+1] = &elem{2*k + 1}
			}
			for k := uint32(0); k < gone; k++ {
				delete(m, 2*k+1)
			}
			keep = append(keep, m)
			fmt.Println(*(*uintptr)(unsafe.Pointer(&m)), 2*gone+1, 2*n+1)
		}
	}
	fmt.Println("done")
	bufio.NewReader(os.Stdin).ReadByte()
	fmt.Println(len(keep))
}
`

// TestWalkMaps reads the maps of processes built with releases before and after the
// map formats changed. Without a go command it skips, as in scripts/kernels: maps do
// not depend on the kernel.
func TestWalkMaps(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		return
	}
	for version, walk := range map[string]func(memory, uint64) ([]mapEntry, bool){
		"go1.18.10":       walkBucketMap,
		"go1.21.13":       walkBucketMap,
		"go1.24.13":       walkSwissMap,
		runtime.Version(): walkSwissMap,
		"go1.27.3":        walkSwissMap,
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			m, found := startGrowth(t, version)
			for line := range strings.Lines(found) {
				var want []uint32
				f := strings.Fields(line)
				addr, _ := strconv.ParseUint(f[0], 10, 64)
				from, _ := strconv.Atoi(f[1])
				to, _ := strconv.Atoi(f[2])
				for k := from; k < to; k += 2 {
					want = append(want, uint32(k))
				}
				entries, ok := walk(m, addr)
				if !ok {
					t.Fatalf("map of %d of %d entries cannot be read", len(want), to/2)
				}
				var got []uint32
				for _, e := range entries {
					got = append(got, e.key)
					if key, err := m.u64(e.elem); err != nil || uint32(key) != e.key {
						t.Fatalf("the element of %d is of %d (%v)", e.key, uint32(key), err)
					}
				}
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("map of %d of %d entries (-want +got):\n%s", len(want), to/2, diff)
				}
			}
		})
	}
}

// startGrowth runs the program above, built with a release, and returns its output.
func startGrowth(t *testing.T, version string) (memory, string) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module growth\n\ngo 1.18\n", "main.go": growth} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", "growth", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOTOOLCHAIN="+version, "GODEBUG=goindex=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("%s is not to be had here: %v\n%s", version, err, out)
	}
	cmd := exec.Command(filepath.Join(dir, "growth"))
	stdin, stdout := startPiped(t, cmd)
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	var found strings.Builder
	for b := make([]byte, 4096); !strings.HasSuffix(found.String(), "done\n"); {
		n, err := stdout.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		found.Write(b[:n])
	}
	return memory{cmd.Process.Pid}, strings.TrimSuffix(found.String(), "done\n")
}

// TestWalkMapsRefused reads memory that is no map, and maps with too many entries.
func TestWalkMapsRefused(t *testing.T) {
	m := memory{os.Getpid()}
	large := maps.Collect(func(yield func(uint32, *int) bool) {
		for k := range uint32(2 * maxMapEntries) {
			yield(k, nil)
		}
	})
	noise := []uint64{3, 1 << 40, 1 << 50, 7, 9, 11, 13, 15}
	for name, addr := range map[string]uint64{
		"nothing":     0,
		"not mapped":  1 << 46,
		"noise":       uint64(uintptr(unsafe.Pointer(&noise[0]))),
		"a large map": uint64(*(*uintptr)(unsafe.Pointer(&large))),
	} {
		if got, ok := walkSwissMap(m, addr); ok {
			t.Errorf("%s: walkSwissMap found %d entries", name, len(got))
		}
		if got, ok := walkBucketMap(m, addr); ok {
			t.Errorf("%s: walkBucketMap found %d entries", name, len(got))
		}
	}
	runtime.KeepAlive(large)
}
