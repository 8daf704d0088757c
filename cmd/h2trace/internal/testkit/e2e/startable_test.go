package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestStartable passes the kernel a program that no machine runs.
func TestStartable(t *testing.T) {
	if err := startable("/bin/cat"); err != nil {
		t.Error(err)
	}
	elf, err := os.ReadFile(bin(t, "h2trace"))
	if err != nil {
		t.Fatal(err)
	}
	elf[18], elf[19] = 0xff, 0xfe // e_machine of elf(5)
	file := filepath.Join(t.TempDir(), "foreign")
	if err := os.WriteFile(file, elf, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := startable(file); !errors.Is(err, syscall.ENOEXEC) {
		t.Errorf("got %v, want ENOEXEC", err)
	}
}
