package decoder

import (
	"fmt"
	"strconv"
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

	// Since the final response.
	exemptTunnel
	exempt204
	exempt304
)

// answered takes a final response: whether it may have content, and how much.
func (s *stream) answered(d Direction, h *head) *Violation {
	code := h.values[status]
	success := code[0] == '2'
	switch {
	case s.exempt == exemptConnect && success:
		s.exempt = exemptTunnel // of a 204 too (RFC 9110 §9.3.6)
		return h.noLength()
	case s.exempt == exemptHead:
	case code == "304":
		s.exempt = exempt304 // its Content-Length is that of a 200 (RFC 9110 §8.6)
	case s.exempt == exemptAll: // it may answer CONNECT
	case code == "204":
		s.exempt = exempt204
		return h.noLength()
	default:
		return s.declare(d, h)
	}
	return nil
}

// afterHead returns the rule that a frame of the server breaks after its final response: trailers, or
// DATA that is not empty.
func (e exempt) afterHead(t Type) *Violation {
	switch {
	case e == exemptHead && t == TypeData:
		return ruleHeadContent
	case e == exemptTunnel && t == TypeHeaders:
		return ruleTunnelHeaders
	case e == exempt204:
		return ruleNoContent204
	case e == exempt304:
		return ruleNoContent304
	}
	return nil
}

// noLength checks that a response without content announces none (RFC 9110 §8.6). A Content-Length of
// 0 is common there, and true.
func (h *head) noLength() *Violation {
	if h.sized && (h.differs || h.size != "0") {
		return ruleNoLength
	}
	return nil
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
	case d != m.clientDir && s.at[d] == afterHead && f.DataLength > 0:
		if v := s.exempt.afterHead(TypeData); v != nil {
			return v
		}
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
