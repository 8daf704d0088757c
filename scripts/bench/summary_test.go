package main

import (
	"strings"
	"testing"
)

const goodSummary = `{"v":1,"ts":"2026-09-21T14:13:20.000000000Z","event":"summary","duration_ms":1.000,"processes":1,"conns":1,` +
	`"frames":30,"exchanges":null,"records":{"seen":12,"delivered":12,"lost":0},"bytes":{"seen":100,"captured":50},` +
	`"agent":{"cpu_ms":1.500,"max_rss_bytes":4096}}` + "\n"

func TestParseSummary(t *testing.T) {
	long := strings.Repeat(`{"event":"frame"}`+"\n", 5000)
	tests := []struct{ name, in, err string }{
		{"alone", goodSummary, ""},
		{"behind others", long + goodSummary, ""},
		{"empty", "", "NO SUMMARY"},
		{"missing", long, "NO SUMMARY"},
		{"cut", goodSummary[:len(goodSummary)-5], "NO SUMMARY"},
		{"without its newline", strings.TrimSpace(goodSummary), "NO SUMMARY"},
		{"not the last", goodSummary + long, "NO SUMMARY"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := parseSummary([]byte(tt.in))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Frames != 30 || s.Records.Seen != 12 || s.Bytes.Captured != 50 || s.Agent.CPUMillis != 1.5 {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name                    string
		plan                    string
		seen, delivered, lost   int64
		frames, requests, wants int64
	}{
		{"fine", planCalls, 10, 10, 0, 30, 10, 0},
		{"losses add up", planCalls, 10, 7, 3, 20, 10, 0},
		{"do not add up", planCalls, 10, 7, 2, 30, 10, 1},
		{"frames missing without a loss", planEntryRet, 10, 10, 0, 29, 10, 1},
		{"both", planCalls, 10, 9, 0, 0, 10, 2},
		{"empty probes see nothing", planEmpty, 0, 0, 0, 0, 10, 0},
	}
	for _, tt := range tests {
		s := summary{Frames: tt.frames}
		s.Records.Seen, s.Records.Delivered, s.Records.Lost = tt.seen, tt.delivered, tt.lost
		if got := s.faults(tt.plan, tt.requests); int64(len(got)) != tt.wants {
			t.Errorf("%s: got %q, want %d faults", tt.name, got, tt.wants)
		}
	}
}
