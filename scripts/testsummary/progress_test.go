package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// followed feeds events, with time between them. It returns the output.
func followed(t *testing.T, terminal bool, steps ...any) string {
	t.Helper()
	var said strings.Builder
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&said, terminal)
		s := newSummary(&out, p)
		for _, step := range steps {
			switch step := step.(type) {
			case time.Duration:
				time.Sleep(step)
				synctest.Wait()
			case string:
				if err := s.read(strings.NewReader(step)); err != nil {
					t.Fatal(err)
				}
			}
		}
		p.stop()
	})
	return said.String()
}

const (
	beginA = `{"Action":"run","Package":"h2trace/bpf","Test":"TestA"}` + "\n"
	beginB = `{"Action":"run","Package":"h2trace/export","Test":"TestB"}` + "\n"
	beginC = `{"Action":"run","Package":"h2trace/export","Test":"TestC"}` + "\n"
	pauseC = `{"Action":"pause","Package":"h2trace/export","Test":"TestC"}` + "\n"
	endA   = `{"Action":"pass","Package":"h2trace/bpf","Test":"TestA","Elapsed":12.5}` + "\n"
	endB   = `{"Action":"fail","Package":"h2trace/export","Test":"TestB","Elapsed":0.1}` + "\n"
	over   = `{"Action":"pass","Package":"h2trace/bpf"}` + "\n"
)

// TestProgressInLog demands that a log is never silent for long, and names the running
// tests.
func TestProgressInLog(t *testing.T) {
	const second = time.Second
	got := followed(t, false, 11*second, beginA, beginC, pauseC, beginB, 11*second, endB, 5*second, endA, over, 6*second, over, 5*second)
	want := `[10s] 0 ended, 0 failed; nothing ends yet: programs are built, or kernels emulated
[20s] 0 ended, 0 failed; bpf TestA, export TestB
      export TestB: fail in 0.1 s
      bpf TestA: pass in 12.5 s
[37s] 2 ended, 1 failed; between two tests, or programs are being built
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestProgressOnTerminal demands one line, which is erased at the end.
func TestProgressOnTerminal(t *testing.T) {
	got := followed(t, true, beginA, 1500*time.Millisecond, endA, time.Second)
	if strings.Contains(got, "\n") || !strings.Contains(got, "0 ended, 0 failed; bpf TestA") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("got %q", got)
	}
}
