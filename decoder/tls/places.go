package tls

import (
	"slices"

	"h2trace/decoder"
)

// boundary is the end of a record: its offset in the ciphertext of its direction, and the
// bytes of plaintext up to there. Both count modulo 2^32.
type boundary struct{ ciphertext, plaintext uint32 }

// places are the boundaries of a direction since its last gap, oldest first. A process
// reads after its packets were seen, so it asks for older ones.
type places struct {
	kept bool
	list []boundary
}

// add adds the end of the latest record. Beyond maxPlaces, the older half goes.
func (p *places) add(ciphertext, plaintext int64) {
	if !p.kept {
		return
	}
	if len(p.list) == maxPlaces {
		p.list = append(p.list[:0], p.list[maxPlaces/2:]...)
	}
	p.list = append(p.list, boundary{uint32(ciphertext), uint32(plaintext)})
}

func (p *places) clear() { p.list = p.list[:0] }

// Lookup is what Conn.Place knows of an offset.
type Lookup uint8

// The results. NoPlace: no record ends there, or it is not known where its plaintext
// ends: there is a gap in between, or it is too long ago. PlaceAhead: the records up to
// there are not opened yet.
const (
	NoPlace Lookup = iota
	PlaceAhead
	PlaceFound
)

// KeepPlaces says whether Place is to know the records that are opened from now on.
func (c *Conn) KeepPlaces(keep bool) {
	for d := range c.sides {
		s := &c.sides[d]
		switch {
		case !keep:
			s.places = places{}
		case !s.places.kept:
			s.places.kept = true
			s.boundary()
		}
	}
}

// Place finds the record that ends at an offset of a direction, which counts the bytes of
// Data and Missing. since is how many bytes of plaintext that Next has returned follow it.
func (c *Conn) Place(dir decoder.Direction, offset int64) (since int64, found Lookup) {
	s := &c.sides[dir]
	list := s.places.list
	if offset > s.queue.offset {
		if s.state == ended {
			return 0, NoPlace
		}
		return 0, PlaceAhead
	}
	if len(list) == 0 || s.queue.offset-offset >= 1<<31 {
		return 0, NoPlace
	}
	before := func(b boundary) uint32 { return uint32(s.queue.offset) - b.ciphertext } // it grows towards the oldest
	i, ok := slices.BinarySearchFunc(list, uint32(s.queue.offset-offset), func(b boundary, target uint32) int {
		return int(int64(target) - int64(before(b)))
	})
	if !ok {
		return 0, NoPlace
	}
	ahead := int64(0) // of plaintext that Next has not returned yet
	if c.bulk.side == s {
		ahead = int64(c.bulk.left())
	}
	if ahead > 0 && offset == s.queue.offset {
		return 0, PlaceAhead
	}
	return int64(uint32(s.plaintext)-list[i].plaintext) - ahead, PlaceFound
}

// Taken returns how many bytes of a direction Data and Missing have given.
func (c *Conn) Taken(dir decoder.Direction) int64 { return c.sides[dir].queue.end }

// boundary notes that a record ends before the queue, unless a broken one goes on there.
func (s *side) boundary() {
	if s.state == reading && s.skip == 0 {
		s.places.add(s.queue.offset, s.plaintext)
	}
}
