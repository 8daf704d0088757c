package decoder

import (
	"fmt"
	"strconv"
)

// message is the progress of a message on a stream, for each sender (RFC 9113 §8.1).
type message uint8

// The progress is unknown on a stream whose beginning was not seen, and after a field
// block that was not decoded.
const (
	unsureWhere message = iota
	beforeHead
	afterHead // of a request, or of a final response
)

// content holds the Content-Length of a message, and the number of its bytes so far.
type content struct{ declared, got int64 }

// exempt says why the Content-Length of a response does not count its DATA bytes (RFC
// 9113 §8.1.1).
type exempt uint8

const (
	exemptAll exempt = iota // the request is unknown
	exemptNone
	exemptConnect // for a 2xx: DATA carries the bytes of the tunnel
	exemptHead    // there is no content
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
		if next := s.advance(f.Dir, at, &h, ends); next != nil && (v == nil || !next.Tolerated) {
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
		code := h.values[status]
		if code[0] == '1' {
			if ends {
				return ruleInterimEnd
			}
			return nil
		}
		switch connected := s.exempt == exemptConnect && code[0] == '2'; {
		case connected, s.exempt == exemptHead, s.exempt == exemptAll, code == "204", code == "304":
		default:
			broken = s.declare(d, h)
		}
	}
	s.at[d] = afterHead
	if ends {
		if v := s.endContent(d); v != nil {
			return v
		}
	}
	return broken
}

// declare takes the Content-Length of a head. The bytes are not counted against an invalid one, or
// several that differ: endpoints may ignore these.
func (s *stream) declare(d Direction, h *head) *Violation {
	s.content[d] = nil
	if !h.sized {
		return nil
	}
	n, err := strconv.ParseUint(h.size, 10, 63)
	if err != nil || h.differs {
		return ruleContentLength
	}
	s.content[d] = &content{declared: int64(n)}
	return nil
}

// messageData checks a DATA frame by the rules of its message.
func (m *streams) messageData(d Direction, f *Frame, s *stream) *Violation {
	switch {
	case s == nil || !m.known:
		return nil
	case s.at[d] == beforeHead:
		s.at[d] = unsureWhere
		return ruleDataFirst
	case f.Cut || f.PaddingUnknown:
		s.content[d] = nil
		return nil
	case d != m.clientDir && s.exempt == exemptHead && s.at[d] == afterHead && f.DataLength > 0:
		return ruleHeadContent
	}
	b := s.content[d]
	if b == nil {
		return nil
	}
	if b.got += int64(f.DataLength); b.got > b.declared {
		s.content[d] = nil
		return b.broken()
	}
	if f.Flags.Has(FlagEndStream) {
		return s.endContent(d)
	}
	return nil
}

// endContent checks the Content-Length of a complete message.
func (s *stream) endContent(d Direction) *Violation {
	b := s.content[d]
	s.content[d] = nil
	if b == nil || b.got == b.declared {
		return nil
	}
	return b.broken()
}

func (b *content) broken() *Violation {
	return malformed(fmt.Sprintf("content-length is %d, the body has %d bytes (RFC 9113 §8.1.1)", b.declared, b.got))
}
