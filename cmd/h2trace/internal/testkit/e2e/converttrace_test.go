package e2e

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestConvertTrace records a go command that writes what it does with -debug-trace, and opens both
// as one trace. The trace viewer and speedscope have each exchange and each connection, for as
// long as the events say; and the spans of the go command lie around its downloads.
func TestConvertTrace(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/built", 6, 300_000)
	proxy := modproxy.Start(t, a, mods, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, mods, proxy)
	source := "package library // links nothing, so that no runtime is built\n"
	for _, m := range mods {
		source += fmt.Sprintf("import _ %q\n", m.Path)
	}
	if err := os.WriteFile(filepath.Join(w.Dir, "library.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	spans := filepath.Join(w.Dir, "spans")
	tr := startTracing(t, command{args: []string{"go", "build", "-debug-trace=" + spans, "./..."}, dir: w.Dir, env: w.Env})
	r := tr.good()
	file := convert(t, "trace", tr.events, spans)
	o := openTrace(t, file)
	checkSlices(t, r.stream, o)
	checkGoSpans(t, r.stream, o)
	checkSpeedscope(t, r.stream, openSpeedscope(t, file))
}

// millisOf is a time as a trace has it.
func millisOf(at time.Time) float64 { return float64(at.UnixMicro()) / 1e3 }

// near reports whether two times are the same, in whole microseconds and in a float64.
func near(a, b float64) bool { return math.Abs(a-b) < 0.0025 }

// checkSlices compares what a trace shows with the events.
func checkSlices(t *testing.T, s *contract.Stream, o opened) {
	t.Helper()
	exchanges, err := s.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	left := make(map[string][]slice)
	for _, x := range o.Slices {
		if x.Category == "phase" && x.Parent != "exchange" && x.Parent != "conn" {
			t.Errorf("phase %+v is in nothing", x)
		}
		left[x.Category] = append(left[x.Category], x)
	}
	for _, x := range exchanges {
		found := false
		for i, have := range left["exchange"] {
			if near(have.Start, millisOf(*x.Start)) && near(have.End, millisOf(x.TS)) && strings.HasPrefix(have.Thread, x.Conn+" requests") {
				left["exchange"] = append(left["exchange"][:i], left["exchange"][i+1:]...)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("the trace does not have %s of %s", x.URL, x.Start)
		}
	}
	if n := len(left["exchange"]); n > 0 || len(exchanges) == 0 {
		t.Errorf("of %d exchanges, the trace has %d more", len(exchanges), n)
	}
	if got, want := len(left["conn"]), len(s.Conns()); got != want {
		t.Errorf("%d connections in the trace, want %d", got, want)
	}
	if got, want := len(left["process"]), len(processEvents(s, "exit")); got < want {
		t.Errorf("%d processes in the trace, want %d", got, want)
	}
	for _, x := range exchanges {
		samples := 0
		for name, n := range o.Counters {
			if strings.HasPrefix(name, x.Conn+" ") {
				samples += n
			}
		}
		if samples < 4 { // conn and stream, send and recv
			t.Errorf("%d samples of windows of %s", samples, x.Conn)
		}
	}
}

// checkGoSpans demands that the zip of each module was requested while the go command downloaded
// it, by its own account.
func checkGoSpans(t *testing.T, s *contract.Stream, o opened) {
	t.Helper()
	exchanges, err := s.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	zips := 0
	for _, x := range exchanges {
		if x.Module == nil || x.Module.Kind != "zip" {
			continue
		}
		zips++
		around := false
		for _, span := range o.Slices {
			around = around || span.Process == "go -debug-trace" && strings.HasPrefix(span.Title, "modfetch.downloadZip ") &&
				strings.Contains(span.Title, x.Module.Path) && span.Start < millisOf(*x.Start) && millisOf(x.TS) < span.End
		}
		if !around {
			t.Errorf("no span of the go command is around %s", x.URL)
		}
	}
	if zips == 0 {
		t.Error("no zip was requested")
	}
}

// checkSpeedscope compares how long the requests of each connection took.
func checkSpeedscope(t *testing.T, s *contract.Stream, lanes map[string]float64) {
	t.Helper()
	exchanges, err := s.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Conns() {
		want, got := 0.0, 0.0
		for _, x := range exchanges {
			if x.Conn == c.ID {
				want += millisOf(x.TS) - millisOf(*x.Start)
			}
		}
		for lane, took := range lanes {
			if strings.Contains(lane, ", "+c.ID+" requests") {
				got += took
			}
		}
		// Each lane is rounded to four digits or so.
		if math.Abs(got-want) > 0.02+0.002*want {
			t.Errorf("the requests of %s took %.3f ms, in speedscope %.3f ms", c.ID, want, got)
		}
	}
}
