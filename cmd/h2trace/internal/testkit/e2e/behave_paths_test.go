package e2e

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// paths returns the :path of each printed request in order, of one process or, with
// 0, of all.
func paths(s *contract.Stream, pid int) []string { return fields(s, pid, ":path") }

// fields returns the values of one header field in the order printed.
func fields(s *contract.Stream, pid int, name string) []string {
	var out []string
	for _, e := range s.Of("frame") {
		if pid != 0 && e.PID != pid {
			continue
		}
		for _, h := range e.Headers {
			if h.Name == name {
				out = append(out, h.Value)
			}
		}
	}
	return out
}

// wantPaths requires that the printed requests include all of some and no others than
// those of sent, each on a connection seen from its start.
func wantPaths(t testing.TB, s *contract.Stream, sent []string, some ...string) {
	t.Helper()
	got := paths(s, 0)
	for _, path := range some {
		if !slices.Contains(got, path) {
			t.Errorf("no request for %s, got %q", path, got)
		}
	}
	for _, path := range got {
		if !slices.Contains(sent, path) {
			t.Errorf("a request for %q, which nobody made", path)
		}
	}
	for _, status := range fields(s, 0, ":status") {
		if status != "200" {
			t.Errorf("a response of status %q, which nobody sent", status)
		}
	}
	wantSound(t, s)
}

// wantSound requires that no frame is broken, and that each header list is there or
// marked unknown.
func wantSound(t testing.TB, s *contract.Stream) {
	t.Helper()
	for _, e := range s.Of("frame") {
		if e.Violation != "" {
			t.Errorf("a sound frame is called broken: %s", e.Raw)
		}
		ends := slices.Contains(e.Flags, "END_HEADERS")
		if ends && e.Headers == nil && e.HeadersError == "" {
			t.Errorf("headers are unknown, and nothing says why: %s", e.Raw)
		}
	}
}

// ppid returns the parent in a process event.
func ppid(t testing.TB, e *contract.Event) int {
	t.Helper()
	var v struct {
		PPID *int `json:"ppid"`
	}
	if err := json.Unmarshal([]byte(e.Raw), &v); err != nil {
		t.Fatal(err)
	}
	if v.PPID == nil {
		return 0
	}
	return *v.PPID
}

// processesOf returns how many processes a summary counts.
func processesOf(t testing.TB, summary *contract.Event) int64 {
	t.Helper()
	var v struct {
		Processes int64 `json:"processes"`
	}
	if err := json.Unmarshal([]byte(summary.Raw), &v); err != nil {
		t.Fatal(err)
	}
	return v.Processes
}

// programName returns the name of the program in an event, "sh" for the shell. Its
// path is that of the file or, if the process was gone too soon, the executed one,
// which may be a link to the file.
func programName(t testing.TB, e *contract.Event) string {
	t.Helper()
	sh, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(e.Exe)
	if name == filepath.Base(sh) {
		return "sh"
	}
	return name
}

// lastExec returns the last exec event of a process, or nil.
func lastExec(events []*contract.Event, pid int) *contract.Event {
	for _, e := range slices.Backward(events) {
		if e.PID == pid {
			return e
		}
	}
	return nil
}

// buildID returns the build id of an attached event.
func buildID(t testing.TB, e *contract.Event) string {
	t.Helper()
	var v struct {
		BuildID string `json:"build_id"`
	}
	if err := json.Unmarshal([]byte(e.Raw), &v); err != nil {
		t.Fatal(err)
	}
	return v.BuildID
}
