package planted

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"h2trace/export"
	"h2trace/export/metrics"
	"h2trace/export/otlp"
	"h2trace/export/otlp/otlptest"
	"h2trace/export/redact"
	"h2trace/export/schema"
	"h2trace/export/text"
	"h2trace/export/top"
)

// withoutText are keys that the schema does not bound, with why no secret is in them.
var withoutText = map[string]string{
	"frame.body":     "-s asks for it as it is",
	"frame.body_b64": "-s asks for it as it is",
}

// TestNoSecretInAnyKey is about each key of the schema that may have any text. A new one without a
// screen fails here.
func TestNoSecretInAnyKey(t *testing.T) {
	v, err := schema.New()
	if err != nil {
		t.Fatal(err)
	}
	shown, hidden := make(map[string]bool), make(map[string]bool)
	look := func(o export.Options, with string, in map[string]bool) {
		for line := range bytes.Lines(Events(o)) {
			if err := v.Texts(line, func(key, text string) {
				if strings.HasSuffix(key, "_b64") {
					if b, err := base64.StdEncoding.DecodeString(text); err == nil {
						text = string(b)
					}
				}
				in[key] = in[key] || strings.Contains(text, with)
				if !o.ShowSecrets && strings.Contains(text, Secret) {
					t.Errorf("%s has the secret: %s", key, line)
				}
			}); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
		}
	}
	look(export.Options{ShowSecrets: true}, Secret, shown)
	look(export.Options{}, redact.Mark, hidden)
	for _, key := range v.TextKeys() {
		if withoutText[key] == "" && (!shown[key] || !hidden[key]) {
			t.Errorf("%s: with --show-secrets it has the secret: %v; without, %q: %v", key, shown[key], redact.Mark, hidden[key])
		}
	}
}

// TestNoSecretInAnyOutput is about what reads the events while they are printed.
func TestNoSecretInAnyOutput(t *testing.T) {
	c := otlptest.Start(t, nil)
	endpoint, err := otlp.ParseEndpoint(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	recorder := metrics.New(metrics.Options{})
	exporter, err := otlp.New(otlp.Options{
		Endpoint: endpoint, Metrics: recorder, Getenv: func(string) string { return "" }, Say: t.Errorf,
	})
	if err != nil {
		t.Fatal(err)
	}
	model := top.New(time.Now())
	lines := Events(export.Options{
		Format:    text.New(text.Options{Color: true}).Append,
		Listeners: []export.Listener{{Line: recorder.Take}, {Line: exporter.Line}, {Line: model.Add}},
	})
	outputs := map[string]string{"text": string(lines)}
	for v := range top.Views {
		view := top.View(v)
		table := view.Layout(0)
		state := model.State(time.Now(), view)
		for i := range state.Rows {
			outputs["top"] += strings.Join(table.Cells(&state.Rows[i]), " ") + "\n"
		}
	}
	families, err := recorder.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		outputs["metrics"] += f.String()
	}
	exporter.Close(30 * time.Second)
	for _, s := range c.Spans() {
		outputs["spans"] += fmt.Sprintln(s.Span, s.Attributes, s.Resource)
	}
	outputs["points"] = fmt.Sprint(c.Metrics())
	for name, output := range outputs {
		if output == "" {
			t.Errorf("%s: nothing", name)
		}
		if strings.Contains(output, Secret) {
			t.Errorf("%s: the secret is in it", name)
		}
	}
}

// TestSameRedactedLater takes the secrets out of events that were printed with them: they become
// those that are printed without, and these stay as they are.
func TestSameRedactedLater(t *testing.T) {
	for _, bodies := range []bool{false, true} {
		shown := bytes.SplitAfter(Events(export.Options{ShowSecrets: true, Bodies: bodies}), []byte("\n"))
		hidden := bytes.SplitAfter(Events(export.Options{Bodies: bodies}), []byte("\n"))
		if len(shown) != len(hidden) {
			t.Fatalf("%d and %d lines", len(shown), len(hidden))
		}
		var s export.LineScreen
		for i := range shown {
			if got := s.Clean(shown[i]); !bytes.Equal(got, hidden[i]) {
				t.Errorf("got  %swant %s", got, hidden[i])
			}
			if got := s.Clean(hidden[i]); !bytes.Equal(got, hidden[i]) {
				t.Errorf("again: got  %swant %s", got, hidden[i])
			}
		}
	}
}
