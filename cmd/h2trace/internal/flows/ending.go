package flows

import (
	"maps"
	"slices"

	"h2trace/bpf"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

// maxEnding bounds the flows that have ended but for bytes that overtook their end.
const maxEnding = 1024

// endingFlow is a flow that both sides have ended, and whose last bytes may still come: two CPUs
// may have captured them.
type endingFlow struct {
	*flow
	since ktime.Time
}

// ending takes a FIN or RST, and ends a flow of which nothing more comes.
func (t *Table) ending(at ktime.Time, f *flow, s *capture.Segment) error {
	dir := f.dirOf(s.Source)
	own, peer := &f.streams[dir], &f.streams[dir^1]
	end, ok := own.Place(s.Seq)
	switch {
	case !ok:
	case s.Flags&capture.RST != 0:
		if !own.Reset(at, end) {
			return nil
		}
		f.reset = true
	case s.Flags&capture.FIN != 0:
		own.FIN(at, end+uint64(s.Length))
	}
	switch {
	case f.over || !f.reset && (own.Ended() == 0 || peer.Ended() == 0):
		return nil
	case own.next < own.Rest() || peer.next < peer.Rest():
		return t.awaitRest(f)
	}
	return t.end(at, f)
}

// end reports that a flow is over.
func (t *Table) end(at ktime.Time, f *flow) error {
	if f.over {
		return nil
	}
	for d := range f.streams {
		if err := t.giveUpRest(at, f, d); err != nil {
			return err
		}
	}
	f.over = true
	f.waiting.take(&t.waiting)
	if !f.opened {
		return nil
	}
	by, when := f.ended()
	if when == 0 {
		by, when = bpf.EndedUnknown, at
	}
	e := &bpf.Close{Head: bpf.Head{Time: when, PID: f.pid, Conn: f.id}, Totals: f.totals(), Ended: by, Socket: true, Path: f.path()}
	t.ledger.SeenRecords++
	return t.engine.Take(e)
}

// awaitRest takes that a flow has ended but for bytes that are missing.
func (t *Table) awaitRest(f *flow) error {
	if !f.ending {
		f.ending = true
		t.closing = append(t.closing, endingFlow{f, t.now})
	}
	return t.endFlows(false)
}

// endFlows ends the flows whose last bytes do not come, or all of them.
func (t *Table) endFlows(all bool) error {
	n := 0
	for _, f := range t.closing {
		if !all && len(t.closing)-n <= maxEnding && f.since.Add(ackGrace) >= t.now {
			break
		}
		n++
		if err := t.end(t.now, f.flow); err != nil {
			return err
		}
	}
	t.closing = t.closing[n:]
	return nil
}

// Finish takes that the capture is over. Bytes that were sent and are not in it are reported.
func (t *Table) Finish() error {
	if err := t.endFlows(true); err != nil {
		return err
	}
	for _, f := range t.openFlows() {
		for d := range f.streams {
			if err := t.giveUpRest(t.now, f, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// abandon reports that flows are followed no longer.
func (t *Table) abandon(at ktime.Time, list map[key]*flow) error {
	for _, f := range inOrder(list) {
		t.open.remove(f.id)
		if err := t.giveUpFlow(at, f); err != nil {
			return err
		}
	}
	return nil
}

// abandonNumbered is abandon for flows that the engine decodes.
func (t *Table) abandonNumbered(at ktime.Time, list map[uint64]*flow) error {
	for _, f := range inOrder(list) {
		if now, ok := t.flows.peek(f.key); ok && now == f { // else the ports are used again
			t.flows.remove(f.key)
		}
		if err := t.giveUpFlow(at, f); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) giveUpFlow(at ktime.Time, f *flow) error {
	f.waiting.take(&t.waiting)
	if !f.opened {
		return nil
	}
	if !f.over { // else the engine waits for what may follow its close
		f.over = true
		t.Counts.Dropped++
	}
	return t.engine.Take(&bpf.Abandoned{Head: bpf.Head{Time: at, PID: f.pid, Conn: f.id}})
}

// inOrder returns flows in the order of their begin, so that two runs print the same.
func inOrder[K comparable](list map[K]*flow) []*flow {
	if len(list) == 0 { // as of most packets
		return nil
	}
	return slices.SortedFunc(maps.Values(list), byID)
}
