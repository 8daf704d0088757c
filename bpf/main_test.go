package bpf

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMain runs the tests in a build of themselves that has symbols: they
// observe their own process, and go test links without a symbol table.
func TestMain(m *testing.M) {
	if hasSymbols("/proc/self/exe") {
		os.Exit(m.Run())
	}
	status, err := runUnstripped()
	if err != nil {
		fmt.Fprintf(os.Stderr, "run the tests with symbols: %v\n", err)
		status = 1
	}
	os.Exit(status)
}

func hasSymbols(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return f.SectionByType(elf.SHT_SYMTAB) != nil
}

func runUnstripped() (status int, err error) {
	dir, err := os.MkdirTemp("", "h2trace-test")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary := filepath.Join(dir, "bpf.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 0, err
	}
	if !hasSymbols(binary) {
		return 0, errors.New("go test -c made a binary without symbols")
	}
	tests := exec.Command(binary, os.Args[1:]...)
	tests.Stdout, tests.Stderr = os.Stdout, os.Stderr
	var exit *exec.ExitError
	if err := tests.Run(); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return tests.ProcessState.ExitCode(), nil
}
