package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// checkReplayed holds what replay finds in the packets of a run against the events of the run:
// frames and exchanges, with their times to the nanosecond. What only the process knows, its
// GOPROXY, and how long connect(2) took, is not in packets.
func checkReplayed(t *testing.T, live *contract.Stream, file string) {
	t.Helper()
	r := invoke(t, invocation{args: []string{"-q", "replay", "--show-secrets", file}})
	if r.status != 0 || r.stderr != "" {
		t.Errorf("replay: exit status %d\n%s", r.status, indent(r.stderr))
	}
	replayed := r.stream(t)
	want, got := timedFrames(t, live), timedFrames(t, replayed)
	// Two CPUs that handle packets of both directions at a time may put them into the two buffers
	// in different orders. Then credit is that of other moments, and a frame that comes after
	// a later one has the time of that.
	timed := slices.EqualFunc(want, got, func(a, b timedFrame) bool { return a.at == b.at && a.dir == b.dir })
	if !timed {
		same := sameTimes(want, got)
		t.Logf("the directions are interleaved otherwise: %d of %d frames have the same time", same, len(want))
		if same < len(want)/2 {
			t.Error("that is not the reason: those are too few")
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(timedFrame{})); diff != "" || len(want) == 0 {
		t.Errorf("frames: -live +replayed:\n%s", diff)
	}
	if diff := cmp.Diff(exchangesOf(t, live, timed), exchangesOf(t, replayed, timed)); diff != "" {
		t.Errorf("exchanges: -live +replayed:\n%s", diff)
	}
}

// sameTimes sorts frames by direction, takes their times and windows away, and returns how many
// have the same time.
func sameTimes(want, got []timedFrame) (same int) {
	for _, list := range [][]timedFrame{want, got} {
		slices.SortStableFunc(list, func(a, b timedFrame) int { return strings.Compare(a.dir, b.dir) })
	}
	for i := range min(len(want), len(got)) {
		if want[i].at == got[i].at {
			same++
		}
	}
	for _, list := range [][]timedFrame{want, got} {
		for i := range list {
			list[i].window, list[i].at = "", ""
		}
	}
	return same
}

// timedFrame is a frame event.
type timedFrame struct{ dir, at, window, rest string }

func timedFrames(t *testing.T, s *contract.Stream) (list []timedFrame) {
	t.Helper()
	for _, e := range ofEvent(t, s, "frame") {
		f := timedFrame{at: fmt.Sprint(e["ts"]), dir: fmt.Sprint(e["dir"]), window: fmt.Sprint(e["window"])}
		delete(e, "ts")
		delete(e, "window")
		f.rest = fmt.Sprint(e)
		list = append(list, f)
	}
	return list
}

// exchangesOf returns exchange events in some order, with their times if these are wanted.
func exchangesOf(t *testing.T, s *contract.Stream, timed bool) (list []string) {
	t.Helper()
	for _, e := range ofEvent(t, s, "exchange") {
		delete(e, "module")
		if e["reused"] == false {
			delete(e, "connect_ms")
			delete(e, "total_ms")
		}
		for key := range e {
			if !timed && (key == "ts" || key == "start" || strings.HasSuffix(key, "_ms")) {
				delete(e, key)
			}
		}
		list = append(list, fmt.Sprint(e))
	}
	slices.Sort(list)
	return list
}

// ofEvent returns the events of a kind.
func ofEvent(t *testing.T, s *contract.Stream, kind string) (list []map[string]any) {
	t.Helper()
	for _, e := range s.Events {
		if e.Event != kind {
			continue
		}
		var all map[string]any
		if err := json.Unmarshal([]byte(e.Raw), &all); err != nil {
			t.Fatal(err)
		}
		list = append(list, all)
	}
	return list
}
