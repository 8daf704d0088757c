package report

import (
	"slices"
	"testing"
)

// TestCountedFrames has floods in two connections. The report says how many frames it lacks.
func TestCountedFrames(t *testing.T) {
	b := NewBuilder()
	for _, s := range []string{
		`"conn":"c1","action":"flood","dir":"recv"}`,
		`"conn":"c1","action":"counted","flood_ms":2500.000,"counted":[{"dir":"send","type":"PING","frames":7,"bytes":119},{"dir":"recv","type":"PING","frames":300,"bytes":5100}]}`,
		`"conn":"c2","action":"counted","flood_ms":1.000,"counted":[{"dir":"recv","type":"SETTINGS","frames":1,"bytes":9}]}`,
	} {
		b.Add([]byte(`{"v":1,"ts":"2026-01-02T03:04:05.000000000Z","event":"conn","pid":7,"comm":"go",` + s))
	}
	r := b.Report()
	if want := "  not seen: 308 frames that only were counted, in a flood"; r.Opaque.Counted != 308 || !slices.Contains(r.Glance(), want) {
		t.Errorf("got %+v, and %q; want %q", r.Opaque, r.Glance(), want)
	}
}
