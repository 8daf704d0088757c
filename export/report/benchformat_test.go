package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/perf/benchfmt"
)

// TestBench reads what was written as benchstat does.
func TestBench(t *testing.T) {
	var out bytes.Buffer
	b := NewBuilder()
	failed := b.Bench(&out)
	var other writer
	other.attached(0)
	other.exchange(exchange{url: "https://c.example/", wait: 7})
	other.line(100, "summary", `"duration_ms":100.000,"records":{"seen":1,"delivered":1,"lost":0},"command":null,"labels":{"Bad key":"x","note":" a  b "}`)
	if err := b.Read(strings.NewReader(groupedRuns() + other.String())); err != nil {
		t.Fatal(err)
	}
	if err := failed(); err != nil {
		t.Fatal(err)
	}
	type run struct{ Name, Region, N, Note string }
	var got []run
	var first *benchfmt.Result
	for r := benchfmt.NewReader(&out, "runs"); r.Scan(); {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok {
			t.Fatalf("%+v", r.Result())
		}
		if first == nil {
			first = result.Clone()
		}
		got = append(got, run{result.Name.String(), result.GetConfig("region"), result.GetConfig("n"), result.GetConfig("note")})
	}
	want := []run{{"Download", "eu", "1", ""}, {"Download", "us", "", ""}, {"Download", "eu", "", ""}, {"Download", "", "", ""}, {"Run", "", "", "a  b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	for unit, want := range map[string]float64{
		"sec/op": 1, "wait-sec/op": 0.202, "process-sec/op": 0.798, "dns-sec/op": 0, "recv-stall-sec/op": 0, "requests/op": 3, "failures/op": 1, "body-B/op": 1000,
		"conns/op": 0,
	} {
		if v, ok := first.Value(unit); !ok || v < want-1e-9 || v > want+1e-9 {
			t.Errorf("%s: got %v, %v, want %v of %+v", unit, v, ok, want, first.Values)
		}
	}
	if v, ok := first.Value("wait-p95-sec"); !ok || v < 0.198 || v > 0.202 {
		t.Errorf("p95: got %v, %v", v, ok)
	}
}

// TestBenchFails expects the error of the writer.
func TestBenchFails(t *testing.T) {
	b := NewBuilder()
	broken := errors.New("broken")
	failed := b.Bench(writerFunc(func([]byte) (int, error) { return 0, broken }))
	if err := b.Read(strings.NewReader(groupedRuns())); err != nil {
		t.Fatal(err)
	}
	if err := failed(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
