package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestCollector sends spans and metrics to the receiver of the OpenTelemetry Collector. It takes all of
// them, with their times and parents. Building that receiver takes long: without H2TRACE_MATRIX=1
// TestOTLP alone holds spans against events.
func TestCollector(t *testing.T) {
	if os.Getenv("H2TRACE_MATRIX") != "1" {
		t.Attr("reduced", "0 of 1 receivers of the OpenTelemetry Collector; scripts/matrix builds it")
		return
	}
	needProbes(t)
	url, end := startReceiver(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/small", 20, 200)
	w := modproxy.NewWorkspace(t, a, mods, modproxy.Start(t, a, mods, modproxy.Options{}))
	env, traceID, parent := withTraceParent(w.Env)
	r := startTracing(t, command{flags: toCollector(url), args: []string{"go", "mod", "download"}, dir: w.Dir, env: env}).good()
	list, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]int) // by time
	for _, e := range list {
		want[stamp(e.Start.UnixNano())+stamp(e.TS.UnixNano())]++
	}
	var spans, points uint64
	for _, line := range end() {
		var batch receivedBatch
		if err := json.Unmarshal([]byte(line), &batch); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for _, of := range batch.ResourceMetrics {
			for _, m := range of.ScopeMetrics[0].Metrics {
				points += uint64(len(m.Sum.DataPoints) + len(m.Gauge.DataPoints) + len(m.Histogram.DataPoints))
			}
		}
		for _, of := range batch.ResourceSpans {
			for _, s := range of.ScopeSpans[0].Spans {
				spans++
				if s.TraceID != traceID {
					t.Errorf("%s is of trace %s", s.Name, s.TraceID)
				}
				if s.Kind == 3 && s.ParentSpanID == parent { // of a client
					want[s.Start+s.End]--
				}
			}
		}
	}
	for at, n := range want {
		if n != 0 {
			t.Errorf("%d exchanges at %s have no span", n, at)
		}
	}
	got := deliveredOf(t, r.stream)
	if got.SpansSent != spans || got.PointsSent != points || spans < uint64(len(list)) || points == 0 || len(list) == 0 {
		t.Errorf("%d spans of %d exchanges came, and %d points; the summary says %+v", spans, len(list), points, got)
	}
}

func stamp(ns int64) string { return strconv.FormatInt(ns, 10) }

// receivedBatch is OTLP in JSON.
type receivedBatch struct {
	ResourceSpans []struct {
		ScopeSpans []struct {
			Spans []struct {
				TraceID      string `json:"traceId"`
				ParentSpanID string `json:"parentSpanId"`
				Name         string `json:"name"`
				Kind         int    `json:"kind"`
				Start        string `json:"startTimeUnixNano"`
				End          string `json:"endTimeUnixNano"`
			} `json:"spans"`
		} `json:"scopeSpans"`
	} `json:"resourceSpans"`
	ResourceMetrics []struct {
		ScopeMetrics []struct {
			Metrics []struct{ Sum, Gauge, Histogram struct{ DataPoints []any } } `json:"metrics"`
		} `json:"scopeMetrics"`
	} `json:"resourceMetrics"`
}

// buildModule builds a program below scripts that is a module of its own.
func buildModule(t *testing.T, name string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", file, ".")
	build.Dir = filepath.Join("..", "..", "..", "..", "..", "scripts", name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		text := string(out)
		_, hosts := configuration(t)
		for _, h := range hosts {
			text = strings.ReplaceAll(text, h, "goproxy.example")
		}
		t.Fatalf("go build: %v\n%s", err, indent(text))
	}
	return file
}

// startReceiver starts scripts/otlpreceiver. end stops it, and returns what it took.
func startReceiver(t *testing.T) (url string, end func() []string) {
	t.Helper()
	cmd := exec.Command(buildModule(t, "otlpreceiver"))
	cmd.Stderr = os.Stderr
	stdin, stdout := child.Start(t, cmd)
	in := bufio.NewReader(stdout)
	line, err := in.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), func() []string {
		t.Helper()
		if err := stdin.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
}
