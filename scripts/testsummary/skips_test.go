package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSkips summarizes what a test binary prints of a skipped test, as scripts/test and
// scripts/kernels do: the latter converts the output of a machine without a Go toolchain.
func TestSkips(t *testing.T) {
	const printed = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n    b_test.go:1: no leases\n--- SKIP: TestB (0.00s)\nPASS\n"
	const parts = "=== RUN   TestC\n=== RUN   TestC/part\n    c_test.go:1: no leases\n--- PASS: TestC (0.00s)\n    --- SKIP: TestC/part (0.00s)\nPASS\n"
	listed := regexp.MustCompile(`(?m)^(h2trace\S+) (\S+)/(\S+) \S`).FindStringSubmatch(allowedSkips)
	if listed == nil {
		t.Fatal("skips.txt lists no part of a test")
	}
	allowed := strings.NewReplacer("TestC/part", listed[2]+"/"+listed[3], "TestC", listed[2]).Replace(parts)
	for _, tt := range []struct {
		name, pkg, printed string
		ci                 bool
		want               int
	}{
		{"here", "h2trace/bpf", printed, false, 0},
		{"in CI", "h2trace/bpf", printed, true, 1},
		{"a part in CI", "h2trace/bpf", parts, true, 1},
		{"of a kernel in CI", "Linux 5.10 ./bpf, machine 1", printed, true, 1},
		{"of a kernel, a part in CI", "Linux 5.10 ./bpf, machine 1", parts, true, 1},
		{"in skips.txt", listed[1], allowed, true, 0},
		{"in skips.txt, of another package", "h2trace/bpf", allowed, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command("go", "tool", "test2json", "-p", tt.pkg)
			cmd.Stdin = strings.NewReader(tt.printed)
			events, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var b, progress strings.Builder
			if got := run(strings.NewReader(string(events)), &b, newProgress(&progress, true), tt.ci); got != tt.want {
				t.Errorf("status %d, want %d:\n%s", got, tt.want, b.String())
			}
		})
	}
}

// TestNobodyElseAsks looks for tests that fail in CI where they would skip elsewhere: what a
// skip is worth is decided here alone.
func TestNobodyElseAsks(t *testing.T) {
	const project = "../.."
	asks := regexp.MustCompile(`(?:Getenv|LookupEnv)\("CI"\)`)
	err := filepath.WalkDir(project, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := d.Name(); {
		case d.IsDir() && (name == ".git" || name == "bin" || name == "testsummary"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		b, err := os.ReadFile(path)
		if err == nil && asks.Match(b) {
			t.Errorf("%s asks for CI: have the test skip", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
