package decoder

import (
	"os"
	"path/filepath"
	"testing"
)

// corpus returns the path of a folder of the shared test data. It skips the test if the
// folder is missing. In CI that is a failure.
func corpus(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("H2TRACE_CORPORA")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				t.Fatal("no go.mod above the test")
			}
			dir = parent
		}
		root = filepath.Join(dir, "..", "shared", "corpora")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("test data is missing in CI: %v", err)
		}
		t.Skipf("test data is not on this machine: %v", err)
	}
	return path
}

// files returns the files of a corpus that match a pattern; none is a failure.
func files(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return names
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
