package plan

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// TestAnalyzeMemory plans the go command, which has some 15 MB: tables of large
// programs must not be read whole.
func TestAnalyzeMemory(t *testing.T) {
	path := filepath.Join(goTool(t, "env", "GOROOT"), "bin", "go")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := analyze(t, path, Auto); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("%d bytes were allocated for a plan", got)
	}
}

// BenchmarkAnalyze plans the go command. Planning may happen while the program is
// held at its start, so 25 MB must take less than 50 ms.
func BenchmarkAnalyze(b *testing.B) {
	for _, test := range []struct {
		name string
		args []string
	}{
		{"symbols", nil},
		{"stripped", []string{"-ldflags=-s"}},
		{"stripped-pie", []string{"-buildmode=pie", "-ldflags=-s"}},
	} {
		b.Run(test.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "go")
			cmd := exec.Command("go", append(append([]string{"build", "-o", path}, test.args...), "cmd/go")...)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("go build: %v\n%s", err, out)
			}
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Analyze(f, Auto); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
