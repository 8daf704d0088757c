package host

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzSegments has packets/stream.h report streams in segments. They come in order
// or late, twice, or cut elsewhere, and while another CPU handles the previous one.
// Sequence numbers wrap, once and more often. Each byte has its offset in the stream, or is counted as lost.
func FuzzSegments(f *testing.F) {
	addSeeds(f, 200)
	segments := start(f, "segments")
	f.Fuzz(func(t *testing.T, in []byte) {
		s, streams := segmentsSession(&source{in})
		got := segments.run(t, s)
		checkSegments(t, s, streams, &got)
	})
}

// leastLeftOut is WORTH_LEAVING_OUT of packets/follow.h.
const leastLeftOut = 1024

// TestFollow has frames in segments that are cut anywhere, also in frame headers. Of a DATA
// payload all is left out but short parts, and nothing else is.
func TestFollow(t *testing.T) {
	segments := start(t, "segments")
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		s := &session{role: client}
		streams := [2][]byte{[]byte(preface), appendFrame(nil, 4, 0, 18)}
		for dir := range streams {
			for range 20 {
				streams[dir] = appendFrame(streams[dir], typeHeaders, 4, rng.IntN(200))
				streams[dir] = appendFrame(streams[dir], typeData, 0, rng.IntN(20000))
			}
			for at := 0; at < len(streams[dir]); {
				if end := at + 1 + rng.IntN(7); rng.IntN(8) == 0 && inPayload(streams[dir], at, end) {
					s.pieces = append(s.pieces, piece{dir: dir, offset: uint64(at), b: streams[dir][at:end]})
					at = end
					continue
				}
				end := min(at+headerLen+rng.IntN([]int{100, 1 << 16}[rng.IntN(2)]), len(streams[dir]))
				if at == 0 {
					end = max(end, len(preface)+headerLen)
				}
				s.pieces = append(s.pieces, piece{dir: dir, offset: uint64(at), b: streams[dir][at:end]})
				at = end
			}
		}
		got := segments.run(t, s)
		checkSegments(t, s, streams, &got)
		for dir := range streams {
			if diff := cmp.Diff(leftOut(s, streams[dir], dir), leftOutOf(&got, dir)); diff != "" {
				t.Fatalf("seed %d: left out of direction %d (-want +got):\n%s", seed, dir, diff)
			}
		}
	}
}

// TestFollowLoss loses the bytes before a DATA payload. The payload is not left out then, and
// nothing after it.
func TestFollowLoss(t *testing.T) {
	s := &session{role: client, refuse: 1 << 1} // the open record comes first
	streams := [2][]byte{[]byte(preface)}
	for range 3 {
		streams[send] = appendFrame(streams[send], typeHeaders, 4, 200)
		streams[send] = appendFrame(streams[send], typeData, 0, 5000)
	}
	s.pieces = []piece{{dir: send, b: streams[send][:8000]}, {dir: send, offset: 8000, b: streams[send][8000:]}}
	got := start(t, "segments").run(t, s)
	checkSegments(t, s, streams, &got)
	if parts := leftOutOf(&got, send); got.lostRecords != 1 || parts != nil {
		t.Errorf("%d records are lost, and %v is left out", got.lostRecords, parts)
	}
}

// inPayload reports whether bytes of a stream are in the payload of one frame.
func inPayload(stream []byte, from, to int) bool {
	return slices.ContainsFunc(parse(stream), func(f frame) bool { return from >= f.start+headerLen && to <= f.end })
}

// leftOut returns the parts of DATA payloads in the pieces that are worth leaving out:
// offset and length.
func leftOut(s *session, stream []byte, dir int) (parts [][2]int) {
	for _, p := range s.pieces {
		from, to := int(p.offset), int(p.offset)+len(p.b)
		for _, f := range parse(stream) {
			if n := min(f.end, to) - max(f.unwanted, from); p.dir == dir && n >= leastLeftOut {
				parts = append(parts, [2]int{max(f.unwanted, from), n})
			}
		}
	}
	return parts
}

func leftOutOf(got *result, dir int) (parts [][2]int) {
	for _, of := range got.pieces {
		for _, r := range of {
			if r.dir == dir && r.leftOut > 0 {
				parts = append(parts, [2]int{int(r.offset) + len(r.b), r.leftOut})
			}
		}
	}
	return parts
}

// frame is the range of a frame in a stream, and where its unwanted payload begins.
type frame struct{ start, unwanted, end int }

// parse is a model of packets/follow.h with the whole stream. It returns the frames whose
// headers are complete.
func parse(stream []byte) []frame {
	var frames []frame
	at := 0
	if bytes.HasPrefix(stream, []byte(preface)) {
		at = len(preface)
	}
	for at+headerLen <= len(stream) {
		length := int(binary.BigEndian.Uint32(stream[at:]) >> 8)
		f := frame{start: at, end: at + headerLen + length}
		f.unwanted = f.end
		if stream[at+3] == typeData && stream[at+4]&flagPadded == 0 {
			f.unwanted = at + headerLen
		}
		frames = append(frames, f)
		at = f.end
	}
	return frames
}

// unwanted returns the unwanted bytes of a stream.
func unwanted(stream []byte) []bool {
	not := make([]bool, len(stream))
	for _, f := range parse(stream) {
		for i := f.unwanted; i < min(f.end, len(not)); i++ {
			not[i] = true
		}
	}
	return not
}

// segmentsSession decodes a session from an input. In order each direction comes as it
// was sent, the preface first.
func segmentsSession(in *source) (s *session, streams [2][]byte) {
	flags := in.uint(1)
	s = &session{role: client}
	if flags&0x01 != 0 {
		s.role = server
	}
	inOrder := flags&0x06 != 0
	if flags&0x38 == 0 {
		s.refuse = in.refusals()
	}
	if flags&0x40 != 0 { // sequence numbers are about to wrap
		s.first = [2]uint32{^uint32(in.uint(1)), 1<<31 - uint32(in.uint(2))}
	}
	if flags&0xc0 == 0x80 { // more bytes than sequence numbers count
		s.before = 1<<(30+in.uint(1)%8) - in.uint(2)
	}
	from := send
	if s.role == server {
		from = recv
	}
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
			disturb(in, s, &p)
		}
		at[dir] = end
		p.b = streams[dir][p.offset:end]
		s.pieces = append(s.pieces, p)
	}
	return s, streams
}

// disturb makes a piece begin earlier, or come before another, or during it.
func disturb(in *source, s *session, p *piece) {
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
}

// checkSegments requires that every byte is reported as it was sent, unless records
// were refused.
func checkSegments(t *testing.T, s *session, streams [2][]byte, got *result) {
	t.Helper()
	known := [2][]bool{make([]bool, len(streams[0])), make([]bool, len(streams[1]))}
	seen := [2]map[uint64]bool{{}, {}}
	bulk := [2][]bool{unwanted(streams[0]), unwanted(streams[1])}
	records := uint64(0)
	alone := !slices.ContainsFunc(s.pieces, func(p piece) bool { return p.within })
	for _, of := range got.pieces {
		for _, r := range of {
			records++
			if seen[r.dir][r.seq] {
				t.Fatalf("record %d of direction %d comes twice", r.seq, r.dir)
			}
			seen[r.dir][r.seq] = true
			end := r.offset + uint64(len(r.b))
			if end > uint64(len(streams[r.dir])) || !bytes.Equal(r.b, streams[r.dir][r.offset:end]) {
				t.Fatalf("%d bytes at %d of direction %d are not those that were sent", len(r.b), r.offset, r.dir)
			}
			for i := r.offset; i < end; i++ {
				known[r.dir][i] = true
			}
			if r.leftOut > 0 && r.lostRecords > 0 && alone {
				t.Fatalf("%d bytes of direction %d are left out after a loss", r.leftOut, r.dir)
			}
			for i := end; i < end+uint64(r.leftOut); i++ {
				if !bulk[r.dir][i] {
					t.Fatalf("byte %d of direction %d is left out", i, r.dir)
				}
				known[r.dir][i] = true
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
}

// checkLedger requires that all bytes are counted, and that each record is there or
// counted as lost. Each CPU may open the connection.
func checkLedger(t *testing.T, s *session, got *result, records uint64) {
	t.Helper()
	bytesSent := 0
	for _, p := range s.pieces {
		bytesSent += len(p.b)
	}
	if got.opens == 0 && s.refuse == 0 {
		t.Fatal("the connection is not opened")
	}
	if got.seenBytes != uint64(bytesSent) || got.seenRecords != records+got.opens+got.lostRecords {
		t.Fatalf("%d bytes and %d records are counted, %d lost; want %d and %d", got.seenBytes, got.seenRecords, got.lostRecords, bytesSent, records+got.opens)
	}
}
