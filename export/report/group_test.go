package report

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// labelled ends a run with labels, written as JSON.
func (w *writer) labelled(ms float64, labels string) {
	w.line(ms, "process", `"pid":7,"comm":"go","action":"exit","ppid":1,"exe":null,"exit_code":0`)
	w.line(ms+1, "summary", `"duration_ms":%.3f,"records":{"seen":1,"delivered":1,"lost":0},"command":7,"labels":%s`, ms+1, labels)
}

// groupedRuns are two runs in eu, one in us, and one without a label.
func groupedRuns() string {
	var w writer
	for i, labels := range []string{`{"region":"eu","n":"1"}`, `{"region":"us"}`, `{"region":"eu"}`, `{}`} {
		w.command(0)
		w.exchange(exchange{url: "https://a.example/go/m.example/x/@v/v1.0.0.zip", kind: "zip", module: "m.example/x", wait: float64(200 * (i + 1)), bytes: 1000, conn: "c1"})
		w.exchange(exchange{begin: 900, url: "https://a.example/other/m.example/y/@v/v1.0.0.mod", kind: "mod", module: "m.example/y", wait: 1, conn: "c2"})
		w.exchange(exchange{begin: 902, url: "https://b.example:8443/m.example/y/@v/v1.0.0.mod", kind: "mod", module: "m.example/y", wait: 1, status: 500, class: "http_5xx", conn: "c3"})
		w.labelled(1000, labels)
	}
	return w.String()
}

func TestGroupBy(t *testing.T) {
	tests := map[string][]string{ // group, requests, failures
		"proxy":  {"https://a.example/go 4 0", "https://a.example/other 4 0", "https://b.example:8443 4 4"},
		"host":   {"a.example 8 0", "b.example:8443 4 4"},
		"kind":   {"mod 8 4", "zip 4 0"},
		"module": {"m.example/x 4 0", "m.example/y 8 4"},
		"region": {" 3 1", "eu 6 2", "us 3 1"},
		"n":      {" 9 3", "1 3 1"},
	}
	for by, want := range tests {
		b := NewBuilder()
		b.GroupBy(by)
		if err := b.Read(strings.NewReader(groupedRuns())); err != nil {
			t.Fatal(err)
		}
		g, err := b.Groups()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range g.Groups {
			got = append(got, fmt.Sprintln(one.Name, one.Requests, one.Failures["http_5xx"]))
		}
		for i := range want {
			want[i] += "\n"
		}
		if by != "region" && by != "n" && by != "module" { // by time
			slices.Sort(got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", by, diff)
		}
		if len(read(t, groupedRuns()).Report().Proxies) != 3 {
			t.Error("the sums have changed")
		}
	}
}

// TestGroupByLabel reads what is only known of runs.
func TestGroupByLabel(t *testing.T) {
	b := NewBuilder()
	b.GroupBy("region")
	if err := b.Read(strings.NewReader(groupedRuns())); err != nil {
		t.Fatal(err)
	}
	g, err := b.Groups()
	if err != nil {
		t.Fatal(err)
	}
	eu := g.Groups[1]
	if *eu.Runs != 2 || eu.Wall == nil || eu.Wall.P50 < 990 || eu.Wall.P50 > 1010 || eu.Causes[ServerWait] != 1 || eu.Causes[Healthy] != 1 {
		t.Errorf("got %+v", eu)
	}
	var text, markdown, json bytes.Buffer
	if err := errors.Join(g.WriteText(&text), g.WriteMarkdown(&markdown), g.WriteJSON(&json)); err != nil {
		t.Fatal(err)
	}
	for out, want := range map[*bytes.Buffer]string{
		&text:     "\n  eu      2     ",
		&markdown: "\n| eu | 2 | ",
		&json:     `{"group_by":"region","groups":[{"group":"","requests":3,`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	b = NewBuilder()
	b.GroupBy("team")
	if err := b.Read(strings.NewReader(groupedRuns())); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Groups(); !errors.Is(err, ErrNoLabel) || !strings.HasSuffix(err.Error(), "the label team; there are n, region") {
		t.Errorf("got %v", err)
	}
}

// TestGroupsAreBounded reads more groups than there is room for.
func TestGroupsAreBounded(t *testing.T) {
	for _, by := range []string{"module", "region"} {
		b := NewBuilder()
		b.GroupBy(by)
		for i := range maxGroups + 10 {
			var w writer
			w.command(0)
			w.exchange(exchange{url: fmt.Sprintf("https://a.example/m%d.example/x/@v/v1.0.0.zip", i), kind: "zip", module: fmt.Sprintf("m%d.example/x", i), wait: 1})
			w.labelled(10, fmt.Sprintf(`{"region":"r%d"}`, i))
			if err := b.Read(strings.NewReader(w.String())); err != nil {
				t.Fatal(err)
			}
		}
		if g, err := b.Groups(); err != nil || len(g.Groups) != maxGroups || g.LeftOut != 10 {
			t.Errorf("%s: %d groups, %d left out, %v", by, len(g.Groups), g.LeftOut, err)
		}
	}
}
