package decoder

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// message is how far what one side sends on a stream has come (RFC 9113 §8.1).
type message uint8

const (
	beforeHead  message = iota
	afterHead           // that of a request, or of a final response
	unsureWhere         // a field block could not be decoded
)

// content is what a Content-Length declares, and how much of it has come.
type content struct{ declared, got int64 }

// section is what a field block is.
type section uint8

const (
	anySection section = iota // not known
	requestHead
	responseHead
	trailers
)

// exempt says of a response that its Content-Length declares nothing about its
// DATA frames (RFC 9113 §8.1.1).
type exempt uint8

const (
	exemptNone    exempt = iota
	exemptConnect        // one of 2xx, as DATA is what goes through the tunnel
	exemptHead           // and there is no content at all
	exemptAll            // the request was not seen
)

// messageFields holds a field block that is complete against the rules of the
// message that it belongs to. s is its stream, nil where that is not followed.
func (c *Conn) messageFields(h *half, f *Frame, s *stream) *Violation {
	at := c.section(h.dir, f, s)
	if h.block.promised != 0 {
		at, s = requestHead, c.streams[h.block.promised]
	}
	if f.HeadersError != "" {
		if s != nil && h.block.promised == 0 {
			s.at[h.dir] = unsureWhere
		} else if s != nil {
			s.exempt = exemptAll
		}
		return nil
	}
	v := checkFields(f.Headers, at)
	if v != nil && !v.Tolerated {
		if s != nil && at != trailers {
			s.at[h.dir] = unsureWhere // what follows is not judged by a head that is none
		}
		return v
	}
	switch {
	case s == nil || at == anySection:
	case h.block.promised != 0:
		s.exempt = exemptOf(f.Headers)
	default:
		if next := s.advance(h.dir, at, f.Headers, h.block.endStream); next != nil {
			v = next
		}
	}
	return v
}

// section finds out what a field block of a direction is.
func (c *Conn) section(d Direction, f *Frame, s *stream) section {
	switch {
	case !c.roleKnown(), s != nil && s.at[d] == unsureWhere:
		return anySection
	case s != nil && s.at[d] == afterHead:
		return trailers
	case s == nil && (len(f.Headers) == 0 || !f.Headers[0].IsPseudo()):
		return anySection
	case d == c.clientDir:
		return requestHead
	}
	return responseHead
}

// advance moves a message past a field block that is well-formed by itself.
func (s *stream) advance(d Direction, at section, fields []hpack.HeaderField, ends bool) *Violation {
	switch at {
	case trailers:
		if !ends {
			return ruleTrailersOpen
		}
		return s.endContent(d)
	case requestHead:
		s.exempt = exemptOf(fields)
		s.declare(d, fields)
	case responseHead:
		status := fields[0].Value
		if status[0] == '1' {
			if ends {
				return ruleInterimEnd
			}
			return nil
		}
		switch connected := s.exempt == exemptConnect && status[0] == '2'; {
		case connected, s.exempt == exemptHead, s.exempt == exemptAll, status == "204", status == "304":
		default:
			s.declare(d, fields)
		}
	}
	s.at[d] = afterHead
	if ends {
		return s.endContent(d)
	}
	return nil
}

// exemptOf returns what the method of a request exempts its response from.
func exemptOf(fields []hpack.HeaderField) exempt {
	for i := range fields {
		if fields[i].Name != ":method" {
			continue
		}
		switch fields[i].Value {
		case "HEAD":
			return exemptHead
		case "CONNECT":
			return exemptConnect
		}
	}
	return exemptNone
}

// declare takes the Content-Length of a head. One that makes no sense, or that
// there are several of, is for the endpoints to judge.
func (s *stream) declare(d Direction, fields []hpack.HeaderField) {
	s.content[d] = nil
	value, found := "", false
	for i := range fields {
		if f := &fields[i]; f.Name == "content-length" {
			if found && f.Value != value {
				return
			}
			value, found = f.Value, true
		}
	}
	if n, err := strconv.ParseUint(value, 10, 63); err == nil {
		s.content[d] = &content{declared: int64(n)}
	}
}

// messageData holds a DATA frame against the rules of its message.
func (c *Conn) messageData(d Direction, f *Frame, s *stream) *Violation {
	switch {
	case s == nil || !c.roleKnown():
		return nil
	case s.at[d] == beforeHead:
		s.at[d] = unsureWhere
		return ruleDataFirst
	case d != c.clientDir && s.exempt == exemptHead && s.at[d] == afterHead && f.DataLength > 0:
		return ruleHeadContent
	}
	b := s.content[d]
	if b == nil || f.Cut {
		return nil
	}
	if f.PaddingUnknown {
		s.content[d] = nil
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

// endContent is called when a message is complete.
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

// pseudo are the pseudo-header fields of a section, each with a bit.
var pseudo = [...]map[string]uint8{
	anySection:   {":method": 1, ":scheme": 2, ":authority": 4, ":path": 8, ":protocol": 16, ":status": 32},
	requestHead:  {":method": 1, ":scheme": 2, ":authority": 4, ":path": 8, ":protocol": 16},
	responseHead: {":status": 32},
	trailers:     nil,
}

// checkFields checks what holds for the fields of a section (RFC 9113 §8.2, §8.3).
func checkFields(fields []hpack.HeaderField, at section) *Violation {
	var seen uint8
	var tolerated *Violation
	regular := false
	for i := range fields {
		f := &fields[i]
		if !f.IsPseudo() {
			regular = true
			if v := checkField(f); v != nil && !v.Tolerated {
				return v
			} else if tolerated == nil {
				tolerated = v
			}
			continue
		}
		bit := pseudo[at][f.Name]
		switch {
		case bit == 0:
			return unknownPseudo(f.Name, at)
		case regular:
			return rulePseudoLate
		case seen&bit != 0:
			return rulePseudoTwice
		}
		seen |= bit
	}
	if v := checkPseudo(fields, at, seen); v != nil {
		return v
	}
	return tolerated
}

func unknownPseudo(name string, at section) *Violation {
	switch {
	case pseudo[anySection][name] == 0:
		return rulePseudoUnknown
	case at == trailers:
		return rulePseudoTrailers
	}
	return rulePseudoSide
}

// checkPseudo checks that a head has the pseudo-header fields that it needs (RFC
// 9113 §8.3.1, §8.3.2, §8.5; RFC 8441 §4).
func checkPseudo(fields []hpack.HeaderField, at section, seen uint8) *Violation {
	const method, scheme, authority, path, protocol = 1, 2, 4, 8, 16
	switch at {
	case responseHead:
		if seen == 0 {
			return ruleNoStatus
		}
		if _, err := strconv.ParseUint(fields[0].Value, 10, 16); err != nil || len(fields[0].Value) != 3 {
			return ruleStatus
		}
	case requestHead:
		connect, empty := false, false
		for i := range fields {
			switch f := &fields[i]; f.Name {
			case ":method":
				connect = f.Value == "CONNECT"
			case ":path":
				empty = f.Value == ""
			}
		}
		need := uint8(method | scheme | path)
		if connect && seen&protocol == 0 {
			need = method | authority
		}
		switch {
		case seen&need != need:
			return ruleNoPseudo
		case need&path == 0 && seen&(scheme|path) != 0:
			return ruleConnectPseudo
		case empty:
			return ruleEmptyPath
		}
	}
	return nil
}

// checkField checks a field that is no pseudo-header field (RFC 9113 §8.2.1,
// §8.2.2).
func checkField(f *hpack.HeaderField) *Violation {
	if f.Name == "" {
		return ruleFieldName
	}
	for i := range len(f.Name) {
		if c := f.Name[i]; c <= ' ' || c >= 0x7f || c == ':' {
			return ruleFieldName
		} else if 'A' <= c && c <= 'Z' {
			return ruleUpperCase
		}
	}
	v := f.Value
	switch {
	case strings.IndexByte(v, 0) >= 0, strings.IndexByte(v, '\r') >= 0, strings.IndexByte(v, '\n') >= 0:
		return ruleFieldValue
	case v != "" && (isSpace(v[0]) || isSpace(v[len(v)-1])):
		return ruleFieldSpace
	}
	switch f.Name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return ruleConnectionField
	case "te":
		if v != "trailers" {
			return ruleConnectionField
		}
	}
	return nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
