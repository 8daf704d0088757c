package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"h2trace/export/metrics"
)

// TestDashboard demands that the committed file is what the program prints.
func TestDashboard(t *testing.T) {
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("h2trace.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("h2trace.json differs; run go generate in this directory")
	}
}

// TestEveryMetricIsShown demands that each metric of a recorder is on the dashboard, and no other.
func TestEveryMetricIsShown(t *testing.T) {
	d, err := build()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]bool)
	for _, name := range regexp.MustCompile(`\b(?:h2trace|http_client|http_server)_[a-z0-9_]+`).FindAllString(string(text), -1) {
		shown[regexp.MustCompile(`_(?:bucket|sum|count)$`).ReplaceAllString(name, "")] = true
	}
	for _, m := range metrics.Catalogue {
		name := m.Exposed()
		if m.Recorded && !shown[name] && !hidden[name] {
			t.Errorf("%s is on no panel", name)
		}
		delete(shown, name)
	}
	for name := range shown {
		t.Errorf("%s is no metric", name)
	}
}

// hidden are metrics that say little on a curve.
var hidden = map[string]bool{
	"h2trace_info": true, "h2trace_stalls_total": true, "h2trace_tcp_out_of_order_total": true,
	"h2trace_verify_mismatches_total": true,
}
