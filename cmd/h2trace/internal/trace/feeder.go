package trace

import (
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// position is a place in the records and bytes of one direction.
type position struct{ seq, offset uint64 }

// feeder is the decoder of a connection, and how far it was fed.
type feeder struct {
	decoder *decoder.Conn
	next    [2]position // by direction: what the next record should hold
	latest  ktime.Time  // the highest so far
}

// decodedUpTo returns the offset of a direction up to which the decoder has taken
// bytes.
func (f *feeder) decodedUpTo(dir decoder.Direction) uint64 {
	return f.next[dir].offset - uint64(f.decoder.Pending(dir))
}

// decoderPlace converts an offset of a direction to a place of the decoder. After an
// upgrade the decoder counts from there.
func (f *feeder) decoderPlace(dir int, offset int64) int64 {
	d := decoder.Direction(dir)
	return f.decoder.Place(d) + offset - int64(f.decodedUpTo(d))
}

// recover hands a table to the decoder. A table that does not fit needs no message:
// headers_error reports that there is none.
func (f *feeder) recover(at ktime.Time, dir int, s decoder.Snapshot) {
	_ = f.decoder.Recover(max(at, f.latest), decoder.Direction(dir), s)
}

// doubt notes that both directions may have continued, and ended, unseen.
func (f *feeder) doubt() {
	f.doubtOne(decoder.Send)
	f.doubtOne(decoder.Recv)
}

// doubtOne notes that a direction may have continued unseen.
func (f *feeder) doubtOne(dir decoder.Direction) {
	if f.decoder.Protocol() == decoder.HTTP1 {
		f.decoder.Gap(f.latest, dir, -1)
	} else {
		f.decoder.Missed(dir)
	}
}
