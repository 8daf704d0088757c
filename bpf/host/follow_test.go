package host

import (
	"bytes"
	"testing"
)

// worthLeaving is WORTH_LEAVING of cleartext/cursor.h.
const worthLeaving = 2048

// FuzzFollow makes cleartext/follow.h follow streams in segments. They come in order
// or late, twice, or cut elsewhere, and while another CPU handles the previous one.
// Skipped bytes are never wanted. In order, everything worth skipping is skipped.
func FuzzFollow(f *testing.F) {
	addSeeds(f, 200)
	follow := start(f, "follow")
	f.Fuzz(func(t *testing.T, in []byte) {
		s, streams, inOrder := followSession(&source{in})
		got := follow.run(t, s)
		frames := [2][]frame{
			parse(streams[0], int(s.bodyBytes)), parse(streams[1], int(s.bodyBytes)),
		}
		left := checkFollow(t, s, streams, frames, &got)
		if inOrder && s.refuse == 0 {
			checkLeft(t, s, frames, left, &got)
		}
	})
}

// followSession decodes a session from an input. In order each direction comes as it
// was sent, the preface first.
func followSession(in *source) (s *session, streams [2][]byte, inOrder bool) {
	flags := in.uint(1)
	s = &session{role: client, bodyBytes: in.bodyBytes()}
	if flags&0x01 != 0 {
		s.role = server
	}
	inOrder = flags&0x06 != 0
	if flags&0x38 == 0 {
		s.refuse = in.refusals()
	}
	if flags&0x40 != 0 { // sequence numbers are about to wrap
		s.first = [2]uint32{^uint32(in.uint(1)), 1<<31 - uint32(in.uint(2))}
	}
	from := clientDir(s)
	streams[from] = in.stream([]byte(preface))
	streams[from^1] = in.stream(appendFrame(nil, 4, 0, 18)) // SETTINGS
	for dir := range streams {
		streams[dir] = streams[dir][:min(len(streams[dir]), 1<<16-1)]
	}
	var at [2]int
	for at[0] < len(streams[0]) || at[1] < len(streams[1]) {
		v := in.uint(2)
		dir := int(v >> 15)
		if at[dir] == len(streams[dir]) {
			dir ^= 1
		}
		if inOrder && at[from] == 0 {
			dir = from
		}
		n := in.size(v, 0x1fff)
		if at[dir] == 0 && (inOrder || v&0x2000 != 0 || dir != from) {
			n = max(n, len(preface))
		}
		end := min(at[dir]+n, len(streams[dir]))
		p := piece{dir: dir, offset: uint64(at[dir])}
		if !inOrder && at[dir] > 0 {
			disturb(in, s, &p, streams[dir])
		}
		at[dir] = end
		p.b = streams[dir][p.offset:end]
		s.pieces = append(s.pieces, p)
	}
	return s, streams, inOrder
}

// disturb makes a piece begin earlier, or come before another, or during it; or gives
// the offset of a frame.
func disturb(in *source, s *session, p *piece, stream []byte) {
	how := in.uint(1)
	if how&0x03 == 0 {
		p.offset = min(p.offset, in.uint(2))
	}
	if last := len(s.pieces) - 1; how&0x0c == 0 && s.pieces[last].offset > 0 && s.pieces[last].dir == p.dir {
		again := s.pieces[last] // once more, later
		s.pieces = append(s.pieces[:last], again, s.pieces[last])
	}
	if last := len(s.pieces) - 1; how&0x30 == 0 && last > 0 && s.pieces[last-1].offset > 0 && s.pieces[last].offset > 0 {
		s.pieces[last], s.pieces[last-1] = s.pieces[last-1], s.pieces[last]
	}
	p.within = how&0xc0 == 0
	if how&0x41 == 0x41 {
		if frames := parse(stream, int(s.bodyBytes)); len(frames) > 0 {
			p.place = uint64(frames[in.uint(1)%uint64(len(frames))].start)
		}
	}
}

// checkFollow requires that every byte is copied as it was sent, or skipped if it may
// be, and returns the skipped ones.
func checkFollow(t *testing.T, s *session, streams [2][]byte, frames [2][]frame, got *result) [2][]bool {
	t.Helper()
	var left, known [2][]bool
	var mayLeave [2][]bool
	seen := [2]map[uint64]bool{{}, {}}
	for dir, stream := range streams {
		left[dir], known[dir] = make([]bool, len(stream)), make([]bool, len(stream))
		mayLeave[dir] = unwanted(frames[dir], len(stream))
	}
	records := uint64(0)
	for i, of := range got.pieces {
		for _, r := range of {
			records++
			if r.leftOut > 0 && !sure(s, i, got) {
				t.Fatalf("segment %d: bytes are left out of what may be no HTTP/2", i)
			}
			if seen[r.dir][r.seq] {
				t.Fatalf("record %d of direction %d comes twice", r.seq, r.dir)
			}
			seen[r.dir][r.seq] = true
			from := int(r.offset + r.leftOut)
			if r.offset+r.leftOut+uint64(len(r.b)) > uint64(len(streams[r.dir])) {
				t.Fatalf("record at %d with %d bytes left out and %d copied, of %d", r.offset, r.leftOut, len(r.b), len(streams[r.dir]))
			}
			for i := int(r.offset); i < from; i++ {
				if !mayLeave[r.dir][i] {
					t.Fatalf("byte %d of direction %d is left out", i, r.dir)
				}
				left[r.dir][i], known[r.dir][i] = true, true
			}
			if !bytes.Equal(r.b, streams[r.dir][from:from+len(r.b)]) {
				t.Fatalf("%d bytes at %d of direction %d are not those that were sent", len(r.b), from, r.dir)
			}
			for i := range r.b {
				known[r.dir][from+i] = true
			}
		}
	}
	checkLedger(t, s, got, records)
	for dir := range streams {
		for i, k := range known[dir] {
			if !k && s.refuse == 0 {
				t.Fatalf("byte %d of direction %d is missing", i, dir)
			}
		}
	}
	return left
}

// checkLedger requires that all bytes are counted, and that each record is there or
// counted as lost.
func checkLedger(t *testing.T, s *session, got *result, records uint64) {
	t.Helper()
	bytesSent := 0
	for _, p := range s.pieces {
		bytesSent += len(p.b)
	}
	opened := 1 - uint64(s.refuse&1) // the open record, which is the first
	if got.seenBytes != uint64(bytesSent) || got.seenRecords != records+opened+got.lostRecords {
		t.Fatalf("%d bytes and %d records are counted, %d lost; want %d and %d", got.seenBytes, got.seenRecords, got.lostRecords, bytesSent, records+opened)
	}
}

// sure reports whether the connection is known to be HTTP/2 when a call handles a
// segment and those within it.
func sure(s *session, call int, got *result) bool {
	last := len(s.pieces) - (len(got.pieces) - call - 1) // later pieces may be within others
	for _, p := range s.pieces[:last] {
		if p.place > 0 || p.dir == clientDir(s) && bytes.HasPrefix(p.b, []byte(preface)) && p.offset == 0 {
			return true
		}
	}
	return false
}

// checkLeft requires, for segments in order, that exactly the bytes that the model
// finds worth skipping are skipped, and that each segment is followed.
func checkLeft(t *testing.T, s *session, frames [2][]frame, left [2][]bool, got *result) {
	t.Helper()
	for i, p := range s.pieces {
		from, end := int(p.offset), int(p.offset)+len(p.b)
		want := make([]bool, len(p.b))
		for _, f := range frames[p.dir] {
			a, b := max(f.unwanted, from), min(f.end, end)
			if f.end-f.unwanted < worthLeaving || a >= b || a > from && b-a < worthLeaving {
				continue
			}
			for j := a; j < b; j++ {
				want[j-int(p.offset)] = true
			}
			from = b
		}
		for j, w := range want {
			if at := int(p.offset) + j; left[p.dir][at] != w {
				t.Fatalf("segment %d [%d,%d): byte %d is left out: %v, want %v", i, p.offset, end, at, !w, w)
			}
		}
		for _, r := range got.pieces[i] {
			if !r.followed {
				t.Fatalf("segment %d [%d,%d): the place is lost", i, p.offset, end)
			}
		}
	}
}
