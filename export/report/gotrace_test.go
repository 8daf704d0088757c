package report

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGoTrace has a run of which a request takes 300 ms, and the trace of its go command.
func TestGoTrace(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(info(exchange{begin: 100, wait: 290, receive: 10}))
	w.exit(1000, 0)
	var trace strings.Builder
	span := func(phase, name string, thread int, ms float64) {
		separator := ","
		if trace.Len() == 0 {
			separator = "[\n"
		}
		fmt.Fprintf(&trace, `%s{"name":%q,"ph":%q,"ts":%.3f,"pid":0,"tid":%d}`+"\n", separator, name, phase, float64(epoch.UnixNano())/1e3+ms*1e3, thread)
	}
	span("B", "Running go command", 0, 0)
	span("B", "modfetch.download m.example@v1.0.0", 1, 90)
	span("B", "unzip /a.zip", 1, 400)
	span("B", "unzip /b.zip", 2, 500)
	span("s", "unzip /a.zip -> unzip /b.zip", 2, 500)
	span("E", "unzip /b.zip", 2, 600)
	span("E", "unzip /a.zip", 1, 700)
	span("E", "modfetch.download m.example@v1.0.0", 1, 710)
	span("E", "never begun", 1, 710)
	span("B", "never ended", 1, 710)
	span("E", "Running go command", 0, 990)
	trace.WriteString("]")
	for name, read := range map[string]func(b *Builder) error{
		"after":  func(b *Builder) error { return both(b, w.String(), trace.String()) },
		"before": func(b *Builder) error { return both(b, trace.String(), w.String()) },
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder()
			if err := read(b); err != nil {
				t.Fatal(err)
			}
			r := b.Report()
			want := []GoSpan{
				{"command", 1, 990, 990, 990, 690},
				{"fetch module", 1, 620, 620, 620, 320},
				{"unzip", 2, 400, 300, 300, 300},
			}
			const said = "then the go command was at, by -debug-trace: fetch module 320 ms, unzip 300 ms"
			if r.Verdict.Cause == Healthy && !slices.Contains(r.Verdict.Evidence, said) {
				t.Errorf("no %q in %q", said, r.Verdict.Evidence)
			}
			if diff := cmp.Diff(want, r.GoSpans); diff != "" || r.SkippedLines != 0 || r.Runs != 1 {
				t.Errorf("%d runs, %d lines skipped, -want +got:\n%s", r.Runs, r.SkippedLines, diff)
			}
		})
	}
}

func both(b *Builder, one, two string) error {
	if err := b.Read(strings.NewReader(one)); err != nil {
		return err
	}
	return b.Read(strings.NewReader(two))
}

// TestGoTraceOfGo reads what the go command of this machine writes.
func TestGoTraceOfGo(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module m.example\n", "m.go": "package m\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	trace := filepath.Join(dir, "trace")
	cmd := exec.Command("go", "build", "-debug-trace="+trace, ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, string(raw)).Report()
	kinds := map[string]int64{}
	for _, s := range r.GoSpans {
		kinds[s.Span] = s.Count
		if s.Longest <= 0 || s.Total < s.Longest || s.Wall > s.Total+0.001 {
			t.Errorf("got %+v", s)
		}
	}
	if kinds["command"] != 1 || kinds["load packages"] == 0 || kinds["build"] == 0 || r.SkippedLines != 0 {
		t.Errorf("got %v, and %d lines skipped", kinds, r.SkippedLines)
	}
}
