//go:build linux

package trace

import (
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/export"
)

func TestObserving(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 67_800_000, time.UTC)
	gopls := process.Process{PID: 17, PPID: 1, Comm: "gopls"}
	second := process.Process{PID: 18, PPID: 1, Comm: "gopls"}
	tests := []struct {
		name    string
		running []process.Process
		opts    Options
		want    string
	}{
		{
			"one",
			[]process.Process{gopls},
			Options{},
			"observing gopls (17) and its children since 2026-01-02T03:04:05.067Z; Ctrl-C ends it",
		},
		{
			"two",
			[]process.Process{gopls, second},
			Options{},
			"observing gopls (17) and gopls (18), and their children, since 2026-01-02T03:04:05.067Z; Ctrl-C ends it",
		},
		{
			"many", make([]process.Process, 6),
			Options{NoFollow: true},
			"observing  (0),  (0),  (0),  (0) and 2 more since 2026-01-02T03:04:05.067Z; Ctrl-C ends it",
		},
		{
			"alone, for a time",
			[]process.Process{gopls},
			Options{NoFollow: true, Duration: 90 * time.Second},
			"observing gopls (17) since 2026-01-02T03:04:05.067Z, for 1m30s",
		},
		{
			"name", nil,
			Options{Names: []string{"go"}},
			"observing what runs go, and its children, which nothing does yet, since 2026-01-02T03:04:05.067Z; Ctrl-C ends it",
		},
		{
			"names",
			[]process.Process{gopls},
			Options{Names: []string{"go", "gopls"}},
			"observing what runs go or gopls, and its children, now gopls (17), since 2026-01-02T03:04:05.067Z; Ctrl-C ends it",
		},
		{
			"names alone",
			[]process.Process{gopls, second},
			Options{Names: []string{"go", "gopls"}, NoFollow: true},
			"observing what runs go or gopls, now gopls (17) and gopls (18), since 2026-01-02T03:04:05.067Z; Ctrl-C ends it",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := observing(tt.running, tt.opts, now); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestRoots(t *testing.T) {
	list := []process.Process{{PID: 5, PPID: 1}, {PID: 6, PPID: 5}, {PID: 7, PPID: 6}, {PID: 9, PPID: 8}}
	got := roots(list)
	if len(got) != 2 || got[0].PID != 5 || got[1].PID != 9 {
		t.Errorf("got %v, want the processes 5 and 9", got)
	}
}

func TestSaw(t *testing.T) {
	sum := &export.Summary{
		Duration: 12340 * time.Millisecond, Processes: 1, Conns: 0, Frames: 118, Exchanges: new(uint64(1)),
		Records: export.Records{Seen: 30, Delivered: 30},
	}
	if got, want := saw(sum), "saw 1 process, 0 connections, 1 exchange and 118 frames in 12.3 s; lost nothing"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sum.Exchanges, sum.Records = nil, export.Records{Seen: 30, Delivered: 20, Lost: 10}
	want := "saw 1 process, 0 connections and 118 frames in 12.3 s; " +
		"10 of 30 records were lost; see the loss events, or try a larger --buffer"
	if got := saw(sum); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
