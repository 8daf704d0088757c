package flows

import (
	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// giveUp reports bytes that the capture lacks.
func (t *Table) giveUp(at ktime.Time, f *flow, dir int) error {
	own := &f.streams[dir]
	if !f.opened {
		return nil
	}
	for to := own.lacks(t.now); to > 0; to = own.lacks(t.now) {
		if err := t.passOver(at, f, dir, to); err != nil {
			return err
		}
	}
	return nil
}

// giveUpUnseen reports what the peer has acknowledged of a direction of which the capture has no
// packet at all, before the engine misses it in what answers it.
func (t *Table) giveUpUnseen(at ktime.Time, f *flow, dir int) error {
	own := &f.streams[dir]
	if to := own.ackedBytes(); own.segments == 0 && to > own.next {
		return t.passOver(at, f, dir, to)
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
