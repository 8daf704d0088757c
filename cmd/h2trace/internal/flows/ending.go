package flows

import "h2trace/decoder/ktime"

// maxEnding bounds the flows that have ended but for bytes that overtook their end.
const maxEnding = 1024

// endingFlow is a flow that both sides have ended, and whose last bytes may still come: two CPUs
// may have captured them.
type endingFlow struct {
	*flow
	since ktime.Time
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
