package flows

import (
	"cmp"
	"errors"
	"slices"

	"h2trace/bpf"
)

// The engine asks a Table what it would ask the kernel. Nothing but packets is known, so there
// are no tables, windows and keys of processes.

// Wish takes which bytes of a connection are wanted.
func (t *Table) Wish(conn uint64, w bpf.Wish) (room bool, err error) {
	if f, ok := t.open.peek(conn); ok && w.Payload != nil {
		f.want = *w.Payload
	}
	return false, nil
}

// Forget takes that the engine has ended a connection.
func (t *Table) Forget(e bpf.Entry) error {
	if f, ok := t.open.peek(e.ID); ok {
		f.over = true
		t.open.remove(e.ID)
	}
	return nil
}

// Conns lists the open connections.
func (t *Table) Conns() (list []bpf.ConnState, _ error) {
	for _, f := range t.openFlows() {
		list = append(list, bpf.ConnState{ID: f.id, Totals: f.totals()})
	}
	return list, nil
}

// openFlows returns the flows that the engine decodes, in the order of their begin.
func (t *Table) openFlows() (list []*flow) {
	t.open.all(func(f *flow) {
		if !f.over {
			list = append(list, f)
		}
	})
	slices.SortFunc(list, byID)
	return list
}

func byID(f, g *flow) int { return cmp.Compare(f.id, g.id) }

// Ledger counts the records.
func (t *Table) Ledger() (bpf.Ledger, error) { return t.ledger, nil }

// WatchClose does nothing: every end is reported.
func (t *Table) WatchClose(*bpf.Socket) error { return nil }

// OpenStreams knows none.
func (t *Table) OpenStreams(int, *bpf.Windows) ([]uint64, bool) { return nil, false }

// ReadTLS knows no keys.
func (t *Table) ReadTLS(*bpf.Spot) (*bpf.TLSState, error) { return nil, errNoProcess }

var errNoProcess = errors.New("a capture has no processes")
