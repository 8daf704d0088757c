package tls

import "h2trace/decoder/tls/record"

// candidate is a Reader that may open the next record, if that is of a phase.
type candidate struct {
	reader *record.Reader
	phase  phase
	secret []byte // that the reader is made of, or nil
}

// candidates are the Readers that may open the next record of a direction, while it is
// unknown which does. They are kept, because a key schedule costs as much as a record.
type candidates struct {
	list  []candidate
	made  int // generation of what they are made from; 0: not made
	tried int // how many of the list do not open the next record
}

// generation changes with the secrets, and with the hellos that choose among them.
func (c *Conn) generation() int { return 1 + c.learned + c.sessions.learned }

// candidates returns the Readers that may open the next record. The first is the present
// one, if there is one.
func (c *Conn) candidates(s *side) []candidate {
	if s.may.made == c.generation() {
		return s.may.list
	}
	s.may.wipe(s.reader)
	s.may.made = c.generation()
	if s.reader != nil {
		s.may.list = append(s.may.list, candidate{s.reader, s.phase, nil})
	}
	switch {
	case s.joined:
	case s.phase == application13 && s.reader != nil:
		if next, err := s.reader.Next(); err == nil {
			s.may.list = append(s.may.list, candidate{next, application13, nil})
		}
	case s.phase == protected12 && s.reader != nil:
	case c.session.is13():
		if s.reader == nil && s.phase != application13 {
			c.addSecrets(s, handshake13)
		}
		if s.phase == application13 || s.state == searching {
			c.addSecrets(s, application13)
		}
	default:
		c.addSecrets(s, protected12)
	}
	return s.may.list
}

// addSecrets adds a candidate for each secret of a phase that is known.
func (c *Conn) addSecrets(s *side, p phase) {
	for _, secret := range c.values(s.dir, p) {
		r, err := c.session.reader(p, secret, s.dir == c.session.dir)
		if err == nil { // else the secret is of another length: it is not of this session
			s.may.list = append(s.may.list, candidate{r, p, secret})
		}
	}
}

// choose makes a candidate the Reader of a direction, and forgets the others.
func (c *Conn) choose(s *side, k candidate) {
	s.awaitsJoin = false // its secrets have come after all
	if k.phase != s.phase {
		s.enter(k.phase, k.reader)
	} else if k.reader != s.reader {
		s.setReader(k.reader)
	}
	s.may.wipe(s.reader)
	if k.phase == protected12 && k.secret != nil {
		c.session.master = k.secret
		c.remember()
	}
}

// wipe forgets the candidates, and zeroes all but one.
func (m *candidates) wipe(but *record.Reader) {
	for _, k := range m.list {
		if k.reader != but {
			k.reader.Wipe()
		}
	}
	*m = candidates{list: m.list[:0]}
}

// number returns the number of a record that a candidate opens.
func (s *side) number(k candidate, b []byte) (uint64, bool) {
	work := len(b) + leastWork
	if k.reader.Suite().TripleDES() {
		work *= tripleDESWork
	}
	if k.reader.FindCost(anyNumber) == 1 { // it finds any number at once
		s.work += work
		if k.reader == s.reader && !s.joined {
			return k.reader.Find(b, k.reader.Number(), anyNumber) // no record comes twice
		}
		return k.reader.Find(b, 0, anyNumber)
	}
	left := max(1, (maxSearchWork-s.work)/work)
	find := func(from, n uint64) (uint64, bool) {
		number, ok := k.reader.Find(b, from, n)
		if ok {
			n = number - from + 1
		}
		s.work += int(n) * work
		return number, ok
	}
	at := k.reader.Number()
	switch {
	case s.joined: // the nearest numbers first
		for _, far := range []int{joinedNear, joinedFar} {
			from := at - min(at, uint64(min(far, left)))
			if number, ok := find(from, uint64(min(2*far+s.mostRecords(), left))); ok {
				return number, true
			}
		}
		return 0, false
	case k.reader == s.reader:
		at += leastRecords(s.lost)
	default:
		at = leastRecords(s.lost - maxHandshake)
	}
	return find(at, uint64(min(s.mostRecords(), max(1, left/4))))
}

// mostRecords returns how many records were lost at most, and one more.
func (s *side) mostRecords() int { return int(min(s.lost/minRecord+2, maxTrials)) }

// maxHandshake is more than a handshake takes.
const maxHandshake = 1 << 20

// anyNumber is more records than a connection has.
const anyNumber = 1 << 62

// minRecord is the least length of a protected record: its header, a tag and a byte.
const minRecord = record.HeaderSize + 17

// leastRecords returns how many records lost bytes are at least. The first and the last
// may be cut.
func leastRecords(lost int64) uint64 {
	const most = record.HeaderSize + record.MaxCiphertext12
	return uint64(max(0, lost/most-2))
}
