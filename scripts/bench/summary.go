package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// summary is the last event of h2trace.
type summary struct {
	Event   string `json:"event"`
	Frames  int64  `json:"frames"`
	Records struct {
		Seen      int64 `json:"seen"`
		Delivered int64 `json:"delivered"`
		Lost      int64 `json:"lost"`
	} `json:"records"`
	Bytes struct {
		Seen     int64 `json:"seen"`
		Captured int64 `json:"captured"`
	} `json:"bytes"`
	Agent struct {
		CPUMillis   float64 `json:"cpu_ms"`
		MaxRSSBytes int64   `json:"max_rss_bytes"`
	} `json:"agent"`
}

// maxSummary is longer than any summary line.
const maxSummary = 16 << 10

// parseSummary parses the last line of events, of which tail is the end.
func parseSummary(tail []byte) (*summary, error) {
	tail, whole := bytes.CutSuffix(tail, []byte("\n"))
	line := tail[bytes.LastIndexByte(tail, '\n')+1:]
	var s summary
	if err := json.Unmarshal(line, &s); err != nil || !whole || s.Event != "summary" {
		return nil, errors.New("NO SUMMARY: the last line is not a summary event")
	}
	return &s, nil
}

// framesPerRequest is the minimum of frames of a request: HEADERS sent, HEADERS and DATA
// received.
const framesPerRequest = 3

// faults returns the contradictions in the summary of a client that finished so many
// requests.
func (s *summary) faults(plan string, requests int64) []string {
	var faults []string
	r := s.Records
	if r.Seen != r.Delivered+r.Lost {
		faults = append(faults, fmt.Sprintf("RECORDS DO NOT ADD UP: %d seen, %d delivered, %d lost", r.Seen, r.Delivered, r.Lost))
	}
	if plan != planEmpty && r.Lost == 0 && s.Frames < framesPerRequest*requests {
		faults = append(faults, fmt.Sprintf("FRAMES ARE MISSING: %d for %d requests and no loss reported", s.Frames, requests))
	}
	return faults
}
