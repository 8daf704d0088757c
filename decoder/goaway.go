package decoder

// lastStream is the last stream that the GOAWAY frames of a side name.
type lastStream struct {
	id  uint32
	set bool
}

// goAway checks that the last stream of GOAWAY does not grow: the peer may have sent the requests above
// it elsewhere (RFC 9113 §6.8).
func (m *streams) goAway(d Direction, f *Frame) *Violation {
	if f.Truncated || f.Length < 8 || f.StreamID != 0 {
		return nil
	}
	if last := m.goneAway[d]; last.set && f.LastStreamID > last.id {
		return ruleGoAwayGrows
	}
	m.goneAway[d] = lastStream{f.LastStreamID, true}
	return nil
}
