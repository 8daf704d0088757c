package flows

import (
	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// giveUp reports bytes of both directions that the capture lacks.
func (t *Table) giveUp(at ktime.Time, f *flow) error {
	if !f.opened || f.over {
		return nil
	}
	for dir := range f.streams {
		own := &f.streams[dir]
		for to := own.lacks(t.now); to > 0; to = own.lacks(t.now) {
			if err := t.passOver(at, f, dir, to); err != nil {
				return err
			}
		}
	}
	if f.streams[0].owed+f.streams[1].owed > 0 && !f.owing {
		f.owing = true
		t.owing = append(t.owing, f)
	}
	return nil
}

// giveUpSilent does so for flows without more packets: what answers the bytes waits for them.
func (t *Table) giveUpSilent() error {
	early := t.now < t.nextOwing && t.nextOwing < t.now.Add(ackGrace)
	if len(t.owing) == 0 || early && len(t.owing) < 2*maxOpen {
		return nil
	}
	t.nextOwing = t.now.Add(ackGrace / 2)
	list := t.owing
	t.owing = nil
	for _, f := range list {
		f.owing = false
		if err := t.giveUp(t.now, f); err != nil { // which enters it again
			return err
		}
	}
	return nil
}

// giveUpRest reports the bytes that the capture lacks of a direction that is over.
func (t *Table) giveUpRest(at ktime.Time, f *flow, dir int) error {
	own := &f.streams[dir]
	for to := own.rest(); to > own.next; to = own.rest() {
		if err := t.passOver(at, f, dir, to); err != nil {
			return err
		}
	}
	return nil
}

// passOver gives up what is missing before an offset.
func (t *Table) passOver(at ktime.Time, f *flow, dir int, to uint64) error {
	own := &f.streams[dir]
	missing := own.giveUp(to)
	if !f.opened || !f.isWanted(dir, to) {
		return nil
	}
	t.lose(own, bpf.Gap, missing)
	return t.report(at, f, dir, to, nil, 1<<bpf.Gap)
}

// lose counts a record that is missing from a stream.
func (t *Table) lose(s *stream, why bpf.Reason, missing uint64) {
	s.lostRecords++
	s.lostBytes += missing
	t.ledger.SeenRecords++
	t.ledger.SeenBytes += missing
	t.ledger.LostRecords[why]++
	t.ledger.LostBytes[why] += missing
}
