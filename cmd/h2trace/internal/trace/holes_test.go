//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"h2trace/bpf"
)

// TestHoles has received segments come after later ones, and one of h2trace itself lost.
func TestHoles(t *testing.T) {
	f := fetch(t, []string{"/a", "/bc", "/d"}, func(*tls.Config) {})
	var received []int // segments
	for i, s := range f.segments {
		if s.Dir == bpf.Recv {
			received = append(received, i)
		}
	}
	if len(received) < 5 {
		t.Fatalf("%d segments were received", len(received))
	}
	for _, tt := range []struct {
		name  string
		late  []int // received segments that come after all others
		lost  bool
		holes string
	}{
		{name: "none", holes: "0"},
		{name: "many after one", late: received[1:2], holes: "1"},
		{name: "many after two", late: []int{received[0], received[2]}, holes: "2"},
		{name: "two next to each other", late: received[1:3], holes: "1"},
		{name: "lost by h2trace", late: received[1:2], lost: true, holes: "null"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			table := newTestTable(t, &out)
			openFetched(table, bpf.RoleClient)
			f.tell(table)
			var totals bpf.Totals
			for i, s := range f.segments {
				totals.Offset[s.Dir] = s.Offset + uint64(len(s.Payload))
				if !slices.Contains(tt.late, i) {
					f.give(table, i)
				}
			}
			if tt.lost {
				totals.LostRecords[bpf.Recv], totals.LostBytes[bpf.Recv] = 1, uint64(len(f.segments[tt.late[0]].Payload))
			} else {
				for _, i := range tt.late {
					f.give(table, i)
				}
			}
			head := fetchedHead
			head.Time = 9000
			do(t, table.close(&bpf.Close{Head: head, Socket: true, Totals: totals}))
			do(t, table.endAll())
			do(t, table.events.Close())
			if want := `"holes":` + tt.holes + `,"rcv_rtt_ms"`; strings.Count(out.String(), want) != 1 {
				t.Errorf("want %s in %s", want, out.String())
			}
		})
	}
}
