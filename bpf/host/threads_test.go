package host

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

// The kinds of records, as in record/record.h.
const (
	recordData  = 1
	recordOpen  = 2
	recordClose = 3
)

// The scenes of threads.c.
const (
	sceneFirst = iota
	sceneLate
	sceneWrites
)

// writeLen is the length of each Write of sceneWrites, smallLen that of others.
const (
	writeLen = 2*16384 + 4
	smallLen = 4
)

// What was at the address before.
const (
	beforeNone = iota
	beforeOpen
	beforeClosed
)

// schedule is the input of threads.c.
type schedule struct {
	Scene, Before, SameBelow, Begins uint32
	Turns                            [4]uint32
	Refuse, Full                     uint32
}

// told is a record in the ring. The last one has no kind, and says how many records
// were seen and lost.
type told struct {
	Conn, Offset                      uint64
	Kind, Dir, Len, Phase, First, Pad uint32
}

// play has the threads run.
func (p *program) play(t *testing.T, s *schedule) (records []told, end told) {
	t.Helper()
	err := binary.Write(p.in, binary.LittleEndian, s)
	for err == nil {
		var r told
		if err = binary.Read(p.out, binary.LittleEndian, &r); err == nil && r.Kind == 0 {
			return records, r
		}
		records = append(records, r)
	}
	p.in.Close()
	t.Fatalf("%s: %v, %v\n%s", p.name, err, p.cmd.Wait(), p.stderr.Bytes())
	return nil, told{}
}

// TestThreads runs the probes of two threads that use a connection at a time. One stops
// at each of its steps, and the other runs on to each of its own, before the first one
// ends. Whatever the order, they report one connection.
func TestThreads(t *testing.T) {
	for _, build := range []struct {
		name  string
		flags []string
	}{{"now", nil}, {"older kernels", []string{"-DCOMPAT"}}} {
		t.Run(build.name, func(t *testing.T) {
			p := start(t, "threads", build.flags...)
			for begins := range uint32(2) {
				p.playAll(t, schedule{Scene: sceneFirst, Begins: begins})
				for _, before := range []uint32{beforeOpen, beforeClosed} {
					p.playAll(t, schedule{Scene: sceneFirst, Before: before, Begins: begins})
					p.playAll(t, schedule{Scene: sceneFirst, Before: before, Begins: begins, SameBelow: 1})
				}
				p.playAll(t, schedule{Scene: sceneLate, Begins: begins})
				for _, refuse := range []uint32{0, 0b110} {
					p.playAll(t, schedule{Scene: sceneWrites, Before: beforeOpen, Begins: begins, Refuse: refuse})
				}
				p.playAll(t, schedule{Scene: sceneFirst, Before: beforeOpen, Begins: begins, Full: 1})
				for refuse := range uint32(4) { // the first close, the first open
					p.playAll(t, schedule{Scene: sceneFirst, Before: beforeOpen, Begins: begins, Refuse: refuse})
				}
			}
		})
	}
}

// playAll plays a scene with each first and second turn.
func (p *program) playAll(t *testing.T, s schedule) {
	t.Helper()
	forever := ^uint32(0)
	for full := uint32(1); full&1 != 0; s.Turns[0]++ {
		s.Turns[1] = 0
		for full = 3; full&2 != 0; s.Turns[1]++ {
			s.Turns[2], s.Turns[3] = forever, forever
			records, end := p.play(t, &s)
			full = end.Len
			if err := s.check(records, end); err != nil {
				t.Fatalf("%s: %+v: %v; records %+v", p.name, s, err, records)
			}
		}
	}
}

// check requires that the threads report one connection, its open first, and that the
// connection before ends once. A refused record may be either. If no connection can be
// entered, all that they move is lost.
func (s *schedule) check(records []told, end told) error {
	lost := end.Offset
	if seen := uint64(len(records)) + lost; end.Conn != seen {
		return fmt.Errorf("%d records seen, want %d", end.Conn, seen)
	}
	if s.Scene == sceneWrites {
		return checkWrites(records, lost)
	}
	if s.Full != 0 {
		// Either thread may report the end of the connection before.
		other := slices.ContainsFunc(records, func(r told) bool { return r.Phase > 0 && r.Kind != recordClose })
		if other || records[len(records)-1].Kind != recordClose || lost != 4 {
			return fmt.Errorf("%d records lost, want 4, and only the end of the connection before", lost)
		}
		return nil
	}
	current := records[len(records)-1].Conn
	opens, closes := 0, 0
	for i, r := range records {
		switch {
		case r.Phase == 0 && r.Kind == recordClose, r.Phase == 1 && r.Kind == recordClose && r.Conn != current:
			closes++
			if opens > 0 {
				return fmt.Errorf("record %d, the close of the connection before, comes after the open", i)
			}
		case r.Phase == 0:
		case r.Conn != current || r.Kind == recordClose:
			return fmt.Errorf("record %d is of another connection than the last", i)
		case r.Kind == recordOpen:
			opens++
		case opens == 0 && lost == 0:
			return fmt.Errorf("record %d comes before the open", i)
		}
	}
	wantCloses := int(min(s.Before, 1))
	if opens > 1 || closes > wantCloses || lost == 0 && (opens != 1 || closes != wantCloses) {
		return fmt.Errorf("%d opens, %d closes, want 1 and %d", opens, closes, wantCloses)
	}
	return s.checkData(records, current)
}

// checkData requires that all bytes are reported where they belong: those of the connection
// before, and of the current one what the threads move, and what moves after them.
func (s *schedule) checkData(records []told, current uint64) error {
	const moved = 4                       // bytes, each time
	times := [2][2]uint64{{1, 0}, {2, 2}} // before and now, by direction
	if s.Before == beforeNone {
		times[0] = [2]uint64{}
	}
	var next [2][2]uint64 // offsets, likewise
	for i, r := range records {
		if r.Kind != recordData {
			continue
		}
		now := 0
		if r.Conn == current {
			now = 1
		}
		if r.Dir > 1 || r.Offset != next[now][r.Dir] || r.Len != moved {
			return fmt.Errorf("record %d has %d bytes of direction %d at %d, want %d", i, r.Len, r.Dir, r.Offset, moved)
		}
		next[now][r.Dir] += moved
	}
	for now, of := range times {
		if want := [2]uint64{of[0] * moved, of[1] * moved}; next[now] != want {
			return fmt.Errorf("%d bytes sent and received, want %d; of the current connection: %t", next[now], want, now == 1)
		}
	}
	return nil
}

// checkWrites requires that two Writes at a time report their own bytes, each in a row,
// unless records were refused.
func checkWrites(records []told, lost uint64) error {
	var sent [2]uint64
	begin := [2]uint64{smallLen, smallLen + writeLen}
	for _, r := range records {
		if r.Kind != recordData || r.Phase != 1 {
			continue
		}
		who, at := r.First>>24-1, uint64(r.First&0xffffff)*4
		if who > 1 || r.Offset < at {
			return fmt.Errorf("the bytes at %d are of no Write, or of several", r.Offset)
		}
		if sent[who] == 0 && r.Offset-at == begin[1-who] {
			begin[0], begin[1] = begin[1], begin[0]
		}
		if r.Offset-at != begin[who] {
			return fmt.Errorf("Write %d begins at %d, want %d", who, r.Offset-at, begin[who])
		}
		sent[who] += uint64(r.Len)
	}
	if missing := 2*writeLen - sent[0] - sent[1]; (missing == 0) != (lost == 0) {
		return fmt.Errorf("%d bytes are missing, %d records counted as lost", missing, lost)
	}
	return nil
}
