package plan

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecovery wants a place for each tap in the go command, which has HTTP/2
// from the standard library: at an instruction that runs once a call.
func TestRecovery(t *testing.T) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(out)), "bin", "go"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sites, err := Recovery(f)
	if err != nil {
		t.Fatal(err)
	}
	count := map[Tap]int{}
	for _, s := range sites {
		count[s.Tap]++
		if s.Kind != Push && s.Kind != StackCheck {
			t.Errorf("%s: got %s, want an emulated instruction", s.Tap, s.Kind)
		}
	}
	for _, tap := range []Tap{EncodeField, DecodeBlock, WriteHeaders} {
		if count[tap] != 1 {
			t.Errorf("%s: got %d places, want 1", tap, count[tap])
		}
	}
}
