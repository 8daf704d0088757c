package decoder

// message is the progress of a message on a stream, for each sender (RFC 9113 §8.1).
type message uint8

// The progress is unknown on a stream whose beginning was not seen, and after a field
// block that was not decoded.
const (
	unsureWhere message = iota
	beforeHead
	afterHead // of a request, or of a final response
)

// messageFields checks a complete field block by the rules of its message. s is its
// stream, nil if that is not followed. promised is the stream that its PUSH_PROMISE
// reserves. ends says that it ends its stream.
func (m *streams) messageFields(f *Frame, s *stream, promised uint32, ends bool) *Violation {
	at := m.section(f.Dir, f, s)
	if promised != 0 {
		at, s = requestHead, m.byID[promised]
	}
	if f.HeadersError != "" {
		if s != nil && promised == 0 {
			s.at[f.Dir] = unsureWhere
		} else if s != nil {
			s.exempt = exemptAll
		}
		return nil
	}
	var h head
	v := h.checkFields(f.Headers, at)
	if at == requestHead && (v == nil || v.Tolerated) {
		if w := m.permits(f.Dir, &h, promised != 0); w != nil {
			v = w
		}
	}
	if v != nil && !v.Tolerated {
		if s != nil && at != trailers {
			s.at[f.Dir] = unsureWhere // an invalid head judges no later frame
		}
		return v
	}
	switch {
	case s == nil || at == anySection:
	case promised != 0:
		s.exempt = h.exempt()
	default:
		next := s.advance(f.Dir, at, &h, ends)
		if next == nil && at == trailers && f.Dir != m.clientDir {
			next = s.exempt.afterHead(TypeHeaders)
		}
		if next != nil && (v == nil || !next.Tolerated) {
			v = next
		}
	}
	return v
}

// permits checks whether the client may send such a request now, or the server promise it.
func (m *streams) permits(d Direction, h *head, promised bool) *Violation {
	switch {
	case promised:
		return h.checkPromise()
	case h.has.has(protocol):
		// The client waits for the SETTINGS, not for an acknowledgement (RFC 8441 §3).
		if allowed, known := m.settings.most(d, SettingEnableConnectProtocol); known && allowed == 0 {
			return ruleProtocolEarly
		}
	}
	return nil
}

// section returns the kind of a field block.
func (m *streams) section(d Direction, f *Frame, s *stream) section {
	switch {
	case !m.known, s != nil && s.at[d] == unsureWhere:
		return anySection
	case s != nil && s.at[d] == afterHead:
		return trailers
	case s == nil && (len(f.Headers) == 0 || !f.Headers[0].IsPseudo()):
		return anySection
	case d == m.clientDir && s == nil && m.recall(f.StreamID) != nil:
		return trailers // the server has reset the stream, or ended it early
	case d == m.clientDir:
		return requestHead
	}
	return responseHead
}

// advance moves a message past a well-formed field block.
func (s *stream) advance(d Direction, at section, h *head, ends bool) (broken *Violation) {
	switch at {
	case trailers:
		if !ends {
			return ruleTrailersOpen
		}
		return s.endContent(d)
	case requestHead:
		if s.exempt = h.exempt(); s.exempt != exemptConnect {
			broken = s.declare(d, h)
		}
	case responseHead:
		if h.values[status][0] == '1' {
			if ends {
				return ruleInterimEnd
			}
			return h.noLength()
		}
		broken = s.answered(d, h)
	}
	s.at[d] = afterHead
	if ends {
		if v := s.endContent(d); v != nil {
			return v
		}
	}
	return broken
}
