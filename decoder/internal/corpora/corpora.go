// Package corpora finds the test data that others wrote, which is no part of the project.
package corpora

import (
	"os"
	"path/filepath"
	"testing"
)

// Root returns where the test data is to be: in the directory that $H2TRACE_CORPORA names, or else
// beside the project.
func Root(t testing.TB) string {
	t.Helper()
	if root := os.Getenv("H2TRACE_CORPORA"); root != "" {
		return root
	}
	return filepath.Join(project(t), "..", "shared", "corpora")
}

// Path returns the path of a folder of the test data. It skips the test if the folder is missing.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{Root(t)}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("test data is not on this machine, set H2TRACE_CORPORA: %v", err)
	}
	return path
}

// Some returns the files of the test data that match a pattern. Without the test data there are none,
// and the test, which has others, says so.
func Some(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(Root(t), pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Attr("reduced", "no "+pattern+" on this machine, set H2TRACE_CORPORA")
	}
	return names
}

// project returns the directory of go.mod above the test.
func project(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}

// Files returns the files that match a pattern. None is a failure.
func Files(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return names
}
