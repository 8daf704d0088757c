package trace

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/plancheck"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// TestMissing announces a loss for each connection of which a probe saw nothing, at the
// time that the caller passes.
func TestMissing(t *testing.T) {
	var out bytes.Buffer
	events := export.NewJSONL(&out, export.Options{Clock: ktime.NewClock(0, time.Unix(0, 40))})
	k := &planCheck{conns: &connTable{printed: printed{events: events}}}
	s := &plancheck.Executable{}
	for _, name := range []string{"c1", "c2"} {
		s.Hear(&plancheck.Conn{Name: name, Age: time.Second, Said: [2]bool{bpf.Send: true}, Silent: new([2]bool)})
	}
	j := &judged{planCheck: k, state: s, dir: bpf.Recv}
	j.announceMissed(2)
	j.announceMissed(3) // already announced
	if err := events.Close(); err != nil {
		t.Fatal(err)
	}
	type loss struct {
		Time   time.Time `json:"ts"`
		Event  string
		Reason export.LossReason
		Bytes  *uint64
		Conn   string
	}
	var got []loss
	for d := json.NewDecoder(&out); d.More(); {
		var l loss
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	at := time.Unix(0, 42).UTC()
	want := []loss{
		{Time: at, Event: "loss", Reason: export.LossGap, Conn: "c1"},
		{Time: at, Event: "loss", Reason: export.LossGap, Conn: "c2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
