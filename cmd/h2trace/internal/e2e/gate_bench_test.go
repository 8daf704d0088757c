package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// runner is a shell that runs a line at a time.
type runner struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// newRunner starts a shell, under h2trace if there is one in args.
func newRunner(b *testing.B, args ...string) *runner {
	b.Helper()
	args = append(args, "sh", "-c", `while read -r line; do $line; echo done; done`)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	r := &runner{in, bufio.NewReader(out)}
	b.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	r.run(b, "true")
	return r
}

// run returns how long a program took from its start to its end.
func (r *runner) run(b *testing.B, line string) time.Duration {
	b.Helper()
	start := time.Now()
	if _, err := io.WriteString(r.in, line+"\n"); err != nil {
		b.Fatal(err)
	}
	if _, err := r.out.ReadString('\n'); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// BenchmarkExec compares runs of a program that ends at once, in turn: alone,
// as a process that h2trace does not observe, and as one that it does. It
// reports the medians, and what observing adds to them.
func BenchmarkExec(b *testing.B) {
	needProbes(b)
	events := filepath.Join(b.TempDir(), "events.jsonl")
	files := map[string]func(i int) string{
		"known":   func(int) string { return fetch.path(b) },
		"unknown": func(i int) string { return filepath.Join(b.TempDir(), fmt.Sprint("fresh", i)) },
	}
	for name, file := range files {
		b.Run(name, func(b *testing.B) {
			alone := newRunner(b)
			var took [3][]time.Duration
			rounds := 0
			measure := func(side int, r *runner) {
				rounds++
				f := file(rounds)
				if f != fetch.path(b) {
					fetch.copyTo(b, f)
				}
				took[side] = append(took[side], r.run(b, f))
			}
			for range 40 {
				measure(0, alone)
			}
			observed := newRunner(b, bin(b, "h2trace"), "-o", events, "--")
			observed.run(b, fetch.path(b))
			for b.Loop() {
				measure(1, alone)
				measure(2, observed)
			}
			base := median(took[0])
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(base, "alone-ms")
			b.ReportMetric(median(took[1])-base, "others-add-ms")
			b.ReportMetric(median(took[2])-base, "observed-add-ms")
		})
	}
}

// median returns the median in milliseconds.
func median(list []time.Duration) float64 {
	slices.Sort(list)
	return float64(list[len(list)/2].Microseconds()) / 1000
}
