package flows

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCarried compares what first bytes are taken for with what the programs in the kernel take
// them for: their C, compiled for this machine.
func TestCarried(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("gcc is not installed; scripts/setup installs it")
	}
	const bpf = "../../../../bpf"
	program := filepath.Join(t.TempDir(), "carries")
	args := []string{
		"-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-unused-function", "-Wno-unknown-pragmas",
		"-D__TARGET_ARCH_x86", "-I" + bpf + "/host/include", "-I" + bpf, "-o", program, bpf + "/host/carries.c",
	}
	if out, err := exec.CommandContext(t.Context(), "gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}

	list := beginnings()
	var in bytes.Buffer
	for _, q := range list {
		var b [16]byte
		copy(b[:], q.bytes)
		binary.LittleEndian.PutUint32(b[8:], uint32(len(q.bytes)))
		if q.client {
			b[12] |= 1
		}
		if q.fromStart {
			b[12] |= 2
		}
		in.Write(b[:])
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil || len(out) != 4*len(list) {
		t.Fatalf("%d answers to %d questions: %v", len(out)/4, len(list), err)
	}
	// The numbers of enum carries.
	names := map[uint32]carries{0: carriesUnknown, 2: carriesHTTP, 4: carriesOther, 5: carriesTLS}
	seen := make(map[carries]int)
	for i, q := range list {
		want, known := names[binary.LittleEndian.Uint32(out[4*i:])]
		if got := carried(q.bytes, q.client, q.fromStart); got != want || !known {
			t.Errorf("%q, client %v, from the start %v: got %v, want %v", q.bytes, q.client, q.fromStart, got, want)
		}
		seen[want]++
	}
	if len(seen) != len(names) {
		t.Errorf("not everything was carried: %v", seen)
	}
}

// beginning is what carried is asked.
type beginning struct {
	bytes             []byte
	client, fromStart bool
}

// beginnings returns beginnings of protocols, whole and cut, some with a byte changed, and noise.
func beginnings() (list []beginning) {
	rng := rand.New(rand.NewPCG(1, 2))
	begins := []string{
		"GET / HTTP/1.1", "M-SEARCH * ", "PRI * HTTP/2.0", "HTTP/1.1 200", "get / HT", "G", "\x05\x01\x00", "SSH-2.0-", "\x00",
		"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "\x00\x10\x00\x00\x01\x00\x00\x00\x03", "\x00\x00\x04\x08\x00\x80\x00\x00\x00",
		"\x16\x03\x01\x02\x00\x01\x00", "\x17\x03\x03\x40\x11", "\x15\x03\x03\x00\x02", "\x14\x03\x05\x00\x01", "\x16\x03\x01\xff\xff",
	}
	for _, s := range begins {
		for n := 1; n <= min(len(s), peek); n++ {
			for range 20 {
				b := []byte(s[:n])
				if rng.IntN(2) == 0 {
					b[rng.IntN(n)] = byte(rng.Uint32())
				}
				list = append(list, beginning{b, rng.IntN(2) == 0, rng.IntN(2) == 0})
			}
		}
	}
	add := func(b ...byte) { // as each of the four
		for i := range 4 {
			list = append(list, beginning{b, i&1 != 0, i&2 != 0})
		}
	}
	for kind := range byte(32) { // of a frame, and of a record
		add(0, 1, 2, kind, 0, 0, 0, 1)
		add(0, 1, 2, kind, 4, 0x80, 0, 1)
		add(1, 1, 2, kind, 0, 0, 0, 1)
		for version := range byte(7) {
			add(kind, 3, version, 0x48, 0)
			add(kind, 3, version, 0x48, 1) // one byte too long
			add(kind, version, 1, 0, 9, 1)
			add(kind, version)
		}
	}
	for range 10000 {
		b := make([]byte, 1+rng.IntN(peek))
		for i := range b {
			b[i] = byte(rng.Uint32() >> rng.IntN(32))
		}
		list = append(list, beginning{b, rng.IntN(2) == 0, rng.IntN(2) == 0})
	}
	return list
}
