//go:build linux

package trace

import (
	"slices"
	"testing"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/broker"
)

// orderedKernel notes the order of calls, each of which waits until the test lets it go.
type orderedKernel struct {
	fakeKernel
	calls []string
	hold  chan struct{}
	full  bool // no connection more may want windows
}

func (k *orderedKernel) Wish(conn uint64, w bpf.Wish) (bool, error) {
	<-k.hold
	k.calls = append(k.calls, "wish")
	_, err := k.fakeKernel.Wish(conn, w)
	return !k.full, err
}

func (k *orderedKernel) Forget(e bpf.Entry) error {
	<-k.hold
	k.calls = append(k.calls, "forget")
	return nil
}

func (k *orderedKernel) Conns() ([]bpf.ConnState, error) {
	k.calls = append(k.calls, "conns")
	return k.conns, nil
}

func (k *orderedKernel) OpenStreams(int, *bpf.Windows) ([]uint64, bool) { return []uint64{9}, true }

// TestBrokeredKernel has a caller ask for much while the kernel is slow. It waits for nothing without
// an answer, may change what it asked for, and has all done in order before an answer.
func TestBrokeredKernel(t *testing.T) {
	slow := &orderedKernel{hold: make(chan struct{}), fakeKernel: fakeKernel{conns: []bpf.ConnState{{ID: 5}}}}
	b := broker.New()
	k := brokerKernel(b, slow, func(pid int) bool { return pid == 7 })
	wanted := bpf.PayloadWish{Until: [2]uint64{100, 200}}
	_, err := k.Wish(1, bpf.Wish{Payload: &wanted})
	do(t, err)
	wanted.Until[0] = 300
	tables := [2]uint32{1, 2}
	_, err = k.Wish(1, bpf.Wish{Tables: &tables, Windows: &bpf.WindowWish{}})
	do(t, err)
	tables[0] = 9
	do(t, k.Forget(bpf.Entry{ID: 2}))
	close(slow.hold)
	list, err := k.Conns()
	do(t, err)
	if want := []string{"wish", "wish", "forget", "conns"}; !slices.Equal(slow.calls, want) || len(list) != 1 || list[0].ID != 5 {
		t.Errorf("the kernel gets %q and answers %v, want %q", slow.calls, list, want)
	}
	got := slow.wishes[1]
	if got.Payload.Until != [2]uint64{100, 200} || *got.Tables != [2]uint32{1, 2} {
		t.Errorf("wishes are %v and %v, want those at the call", *got.Payload, *got.Tables)
	}
	slow.full = true
	if room, err := k.Wish(1, bpf.Wish{Windows: &bpf.WindowWish{Samples: 1}}); room || err != nil {
		t.Errorf("room for windows: %t, %v, want none", room, err)
	}
	for pid, want := range map[int]bool{7: true, 8: false} {
		if _, ok := k.OpenStreams(pid, &bpf.Windows{Head: bpf.Head{PID: pid}}); ok != want {
			t.Errorf("the memory of process %d is read: %t, want %t", pid, ok, want)
		}
	}
	do(t, b.Close())
}
