package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// runsOf has runs of one request each, which waits for the given times.
func runsOf(proxy string, waits ...float64) string {
	var w writer
	for _, wait := range waits {
		w.command(0)
		w.exchange(exchange{url: proxy + "/m.example/@v/v1.0.0.zip", kind: "zip", module: "m.example", wait: wait, bytes: 1000})
		w.exit(wait+100, 0)
	}
	return w.String()
}

func compare(t *testing.T, before, after string) *Comparison {
	t.Helper()
	sides := [2]*Side{NewSide(), NewSide()}
	for i, text := range []string{before, after} {
		if err := sides[i].Read(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	return Compare(sides[0], sides[1])
}

func TestCompare(t *testing.T) {
	const a, b = "https://a.example", "https://b.example"
	tests := []struct {
		name, before, after, text string
		clear                     string // of the wall time
	}{
		{
			"one run a side", runsOf(a, 900), runsOf(b, 400),
			"the wall time went from 1.00 s to 500 ms (-50 %), in 1 run before and 1 after: too few to tell a difference from noise, for which it takes 4 a side", "-",
		},
		{"three runs on one side", runsOf(a, 900, 900, 900, 900), runsOf(b, 400, 400, 400), "the wall time went from 1.00 s to 500 ms (-50 %), in 4 runs before and 3 after: too few to tell", "-"},
		{
			"faster", runsOf(a, 900, 910, 890, 905), runsOf(b, 400, 410, 390, 405),
			"the wall time went from 1.00 s to 502 ms (-50 %), beyond the noise (p = 0.029, 4 and 4 runs)", "p = 0.029",
		},
		{
			"noise", runsOf(a, 900, 400, 800, 500), runsOf(b, 850, 450, 750, 600),
			"the wall time did not change beyond the noise: 750 ms before, 775 ms after (p = 1.000, 4 and 4 runs)", "noise (p = 1.000)",
		},
		{"nothing before", "", runsOf(b, 1), "there is no run on one side", "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := compare(t, tt.before, tt.after)
			if !strings.HasPrefix(c.Text, tt.text) || c.Times[0].noise() != tt.clear {
				t.Errorf("got %q, %q", c.Text, c.Times[0].noise())
			}
			var text, markdown, json bytes.Buffer
			if err := errors.Join(c.WriteText(&text), c.WriteMarkdown(&markdown), c.WriteJSON(&json)); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(json.String(), `"verdict":{"cause":`) || !strings.Contains(markdown.String(), "\n* before: ") {
				t.Errorf("JSON\n%s\nMarkdown\n%s", &json, &markdown)
			}
		})
	}
}

// TestCompareTables reads the rows of a comparison.
func TestCompareTables(t *testing.T) {
	before := runsOf("https://a.example", 900, 900)
	var w writer
	w.command(0)
	w.exchange(exchange{url: "https://a.example/m.example/@v/list", kind: "list", module: "m.example", wait: 90, status: 500, class: "http_5xx"})
	w.exit(100, 1)
	var out bytes.Buffer
	if err := compare(t, before, w.String()).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	lines := squeeze(out.String())
	for _, want := range []string{
		"before: server_wait: the proxy takes long",
		"after: errors: requests failed",
		"wall time 1000.0 100.0 -90 % -",
		"wait 900.0 90.0 -90 % -",
		"median wait 90",
		"requests a run 1.0 1.0 0 %",
		"failed (%) 0.00 100.00 new",
		"http_5xx 0 1",
		"https://a.example before 2 0 9",
		"after 1 1 http_5xx 9",
		"difference - - -90 % -90 % -90 % -90 %",
		"list before -",
		"zip before 2 0",
	} {
		if !strings.Contains(lines, "\n"+want) {
			t.Errorf("no %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// squeeze replaces the spaces between cells by one.
func squeeze(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("\n" + strings.Join(strings.Fields(line), " "))
	}
	return b.String()
}
