//go:build linux

package procfs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// FuzzStat has arbitrary names, as prctl(2) sets them, and arbitrary bytes.
func FuzzStat(f *testing.F) {
	if own, err := os.ReadFile("/proc/self/stat"); err == nil {
		f.Add("x", 1, 34816, own)
	}
	f.Add("a) Z 1 (b", 7, 0, []byte("1 (a"))
	f.Add(") S 1 2 3 4 5\n", 7, -1, []byte(")("))
	f.Fuzz(func(t *testing.T, comm string, ppid, terminal int, b []byte) {
		if s, err := parseStat(b); err == nil && (len(s.Comm)+len(s.State) > len(b) || s.State == "") {
			t.Errorf("%q: got %+v", b, s)
		}
		line := fmt.Sprintf("9 (%s) S %d 9 9 %d 9 4194560 111\n", comm, ppid, terminal)
		want := Stat{Comm: comm, State: "S", PPID: ppid, Terminal: terminal}
		if got, err := parseStat([]byte(line)); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", line, got, err, want)
		}
	})
}

// FuzzTgid has arbitrary names, which the kernel escapes (fs/proc/array.c, proc_task_name).
func FuzzTgid(f *testing.F) {
	f.Add("x", 5, "Tgid:\t7\n")
	f.Add("Tgid:\t9\nTgid:\t9", 5, "Name:\tx\nTgid:\t\n")
	escape := strings.NewReplacer("\n", `\n`, `\`, `\\`)
	f.Fuzz(func(t *testing.T, comm string, pid int, b string) {
		if got, ok := parseTgid(b); ok && !strings.Contains(b, "Tgid:") {
			t.Errorf("%q: got %d", b, got)
		}
		status := fmt.Sprintf("Name:\t%s\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t%d\nNgid:\t0\n", escape.Replace(comm), pid)
		if got, ok := parseTgid(status); !ok || got != pid {
			t.Errorf("%q: got %d, %v", status, got, ok)
		}
	})
}

// TestUnreadableStat has an error that says which file it is.
func TestUnreadableStat(t *testing.T) {
	if _, err := ReadStat(1 << 30); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	for _, raw := range []string{"", "1 (x", "1 x) S 1 1 1 1", "1 (x) S 1 1 1", "1 (x) S a 1 1 1"} {
		if s, err := parseStat([]byte(raw)); err == nil {
			t.Errorf("%q: got %+v", raw, s)
		}
	}
}
