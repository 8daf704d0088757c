package host

import (
	"bytes"
	"reflect"
	"testing"
)

// FuzzWalk makes http2/walk.h follow streams of frames, cut anywhere. However they
// are cut, it copies the bytes that the model finds in the whole streams, and counts
// those that it could not copy. The programs for older kernels do the same.
func FuzzWalk(f *testing.F) {
	addSeeds(f, 200)
	walk, compat := start(f, "walk"), start(f, "walk", "-DCOMPAT")
	f.Fuzz(func(t *testing.T, in []byte) {
		s, streams := walkSession(&source{in})
		got := walk.run(t, s)
		checkWalk(t, s, streams, &got)
		if other := compat.run(t, s); !reflect.DeepEqual(got, other) {
			t.Errorf("for older kernels it is %+v, want %+v", other, got)
		}
	})
}

// walkSession decodes a session from an input.
func walkSession(in *source) (*session, [2][]byte) {
	flags := in.uint(1)
	s := &session{role: client, handshake: flags&0x06 != 0, bodyBytes: in.bodyBytes()}
	if flags&0x08 != 0 {
		s.role = server
	}
	if flags&0x30 == 0 {
		s.refuse = in.refusals()
	}
	from := clientDir(s)
	var streams [2][]byte
	beginning := preface
	if flags&0xc0 == 0 {
		beginning = "GET / HTTP/1.1\r\n\r\n and more"
	}
	streams[from] = in.stream([]byte(beginning))
	streams[from^1] = in.stream(nil)
	var at [2]int
	for at[0] < len(streams[0]) || at[1] < len(streams[1]) {
		v := in.uint(2)
		dir := int(v >> 15)
		if at[dir] == len(streams[dir]) {
			dir ^= 1
		}
		n := in.size(v, 0x7ff)
		if dir == from && at[dir] == 0 && v&0x3000 != 0 {
			n = max(n, len(preface))
		}
		end := min(at[dir]+n, len(streams[dir]))
		s.pieces = append(s.pieces, piece{dir: dir, offset: uint64(at[dir]), b: streams[dir][at[dir]:end]})
		at[dir] = end
	}
	return s, streams
}

// clientDir returns the direction of the bytes that the client sends.
func clientDir(s *session) int {
	if s.role == server {
		return recv
	}
	return send
}

// checkWalk compares the outcome of a session with the model.
func checkWalk(t *testing.T, s *session, streams [2][]byte, got *result) {
	t.Helper()
	var frames [2][]frame
	var copied, want [2][]bool
	var seq, lost [2]uint64
	for dir, stream := range streams {
		frames[dir] = parse(stream, int(s.bodyBytes))
		copied[dir] = make([]bool, len(stream))
		want[dir] = make([]bool, len(stream))
	}
	leaves := [2][]bool{unwanted(frames[0], len(streams[0])), unwanted(frames[1], len(streams[1]))}
	decided, framed := !s.handshake, false
	missing, records := uint64(0), uint64(0)
	for i, p := range s.pieces {
		if !decided && p.dir == clientDir(s) {
			decided, framed = true, bytes.HasPrefix(p.b, []byte(preface))
		}
		at, end := int(p.offset), int(p.offset)+len(p.b)
		for j := at; j < end; j++ {
			want[p.dir][j] = !framed || !leaves[p.dir][j]
		}
		told := false // when the piece was complete
		for _, r := range got.pieces[i] {
			records++
			if r.dir != p.dir || r.seq < seq[r.dir] || s.refuse == 0 && r.seq != seq[r.dir] {
				t.Fatalf("piece %d: record %d of direction %d, want %d of %d", i, r.seq, r.dir, seq[r.dir], p.dir)
			}
			seq[r.dir] = r.seq + 1
			lost[r.dir] += r.lostBytes
			from, to := int(r.offset), int(r.offset)+len(r.b)
			if from < at || to > end || !bytes.Equal(r.b, streams[p.dir][from:to]) {
				t.Fatalf("piece %d, [%d,%d): %d bytes at %d are not those of the stream", i, at, end, len(r.b), from)
			}
			for j := from; j < to; j++ {
				if copied[p.dir][j] {
					t.Fatalf("byte %d of direction %d is copied twice", j, p.dir)
				}
				copied[p.dir][j] = true
			}
			told = told || to == end
		}
		if framed && s.refuse == 0 && !told && (want[p.dir][end-1] || endsFrame(frames[p.dir], end)) {
			t.Fatalf("piece %d: no record says when its end at %d came", i, end)
		}
	}
	for dir := range streams {
		missing += compare(t, dir, copied[dir], want[dir], s.refuse == 0)
	}
	told := lost[0] + got.untold[0] + lost[1] + got.untold[1]
	if got.lostBytes != missing || told != missing || got.seenRecords != records+got.lostRecords {
		t.Fatalf("%d bytes are missing: the ledger has %d, records tell of %d; %d records of %d, %d lost",
			missing, got.lostBytes, told, records, got.seenRecords, got.lostRecords)
	}
	if n := len(streams[0]) + len(streams[1]); got.seenBytes != uint64(n) {
		t.Fatalf("%d bytes were seen, want %d", got.seenBytes, n)
	}
}

// compare requires that only wanted bytes are copied, and all of them if nothing was
// lost. It returns how many are missing.
func compare(t *testing.T, dir int, copied, want []bool, all bool) (missing uint64) {
	t.Helper()
	for i, w := range want {
		if w && !copied[i] {
			missing++
		}
		if c := copied[i]; c != w && (c || all) {
			t.Fatalf("byte %d of direction %d: copied %v, want %v", i, dir, c, w)
		}
	}
	return missing
}

func endsFrame(frames []frame, at int) bool {
	for _, f := range frames {
		if f.end == at {
			return true
		}
	}
	return false
}
