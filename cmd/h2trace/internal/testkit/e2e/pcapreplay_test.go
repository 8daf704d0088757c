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
	r := invoke(t, invocation{args: []string{"replay", "--show-secrets", file}})
	if r.status != 0 || r.stderr != "" {
		t.Errorf("replay: exit status %d\n%s", r.status, indent(r.stderr))
	}
	replayed := r.stream(t)
	want, got := timedFrames(t, live), timedFrames(t, replayed)
	if !slices.EqualFunc(want, got, func(a, b timedFrame) bool { return a.at == b.at }) {
		// Two CPUs may have put packets of both directions into the two buffers in different
		// orders. Then credit is compared at other moments.
		t.Log("the directions are interleaved otherwise: their frames are compared without windows")
		for _, list := range [][]timedFrame{want, got} {
			for i := range list {
				list[i].window = ""
			}
			slices.SortStableFunc(list, func(a, b timedFrame) int { return strings.Compare(a.dir, b.dir) })
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(timedFrame{})); diff != "" || len(want) == 0 {
		t.Errorf("frames: -live +replayed:\n%s", diff)
	}
	if diff := cmp.Diff(timedExchanges(t, live), timedExchanges(t, replayed)); diff != "" {
		t.Errorf("exchanges: -live +replayed:\n%s", diff)
	}
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

// timedExchanges returns exchange events, by stream.
func timedExchanges(t *testing.T, s *contract.Stream) (list []string) {
	t.Helper()
	for _, e := range ofEvent(t, s, "exchange") {
		delete(e, "module")
		delete(e, "stall_ms") // between two directions, see above
		if e["reused"] == false {
			delete(e, "connect_ms")
			delete(e, "total_ms")
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
