package tls

import "h2trace/decoder/tls/record"

// keyUpdateSize is the length of a record that holds a KeyUpdate alone (RFC 8446 §4.6.3).
const keyUpdateSize = record.HeaderSize + 5 + 1 + 16

// maxHops bounds the headers that chain looks at.
const maxHops = 1 << 18

// anchor finds what a Reader of Join opens of the records that wait, by the last of them.
// The Reader is most likely that of the last. Those before a KeyUpdate have other keys, and
// to try the numbers of each would take too long. It reports whether it found a record.
func (c *Conn) anchor(s *side, k candidate) bool {
	b := s.queue.ready(s.queue.run)
	begins := chain(b)
	last := len(begins) - 1
	if last < 1 {
		return false
	}
	of := func(i int) []byte {
		h, _ := parseHeader(b[begins[i]:])
		return b[begins[i] : begins[i]+h.length]
	}
	number, ok := s.number(k, of(last))
	if !ok {
		return false
	}
	first := last - int(min(number, uint64(last)))
	for ; first < last; first++ {
		if _, ok := k.reader.Find(of(first), number-uint64(last-first), 1); ok {
			break
		}
	}
	from := 0
	if first > 0 { // in two steps, for the length of the record before
		from = begins[first-1]
	}
	for _, n := range []int{from, begins[first] - from} {
		if n > 0 {
			s.drop(n)
		}
	}
	c.resume(s, k, number-uint64(last-first))
	return true
}

// chain returns where the whole records are that follow each other up to the end of b. It
// may begin in the middle of one.
func chain(b []byte) (begins []int) {
	hops := 0
	for from := range b {
		begins = begins[:0]
		for at := from; ; hops++ {
			if len(b)-at < record.HeaderSize {
				return begins
			}
			h, ok := protectedHeader(b[at:])
			if !ok {
				break
			}
			if len(b)-at < h.length {
				return begins
			}
			begins = append(begins, at)
			at += h.length
		}
		if hops > maxHops {
			break
		}
	}
	return nil
}
