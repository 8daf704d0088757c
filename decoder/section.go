package decoder

import "golang.org/x/net/http2/hpack"

// section is the kind of a field block.
type section uint8

const (
	anySection section = iota // unknown
	requestHead
	responseHead
	trailers
)

// pseudo is a pseudo-header field.
type pseudo uint8

const (
	noPseudo pseudo = iota
	method
	scheme
	authority
	path
	protocol // RFC 8441 §4
	status
	pseudos // their number
)

func pseudoOf(name string) pseudo {
	switch name {
	case ":method":
		return method
	case ":scheme":
		return scheme
	case ":authority":
		return authority
	case ":path":
		return path
	case ":protocol":
		return protocol
	case ":status":
		return status
	}
	return noPseudo
}

// set is a set of pseudo-header fields.
type set uint8

func setOf(list ...pseudo) (s set) {
	for _, p := range list {
		s |= 1 << p
	}
	return s
}

func (s set) has(p pseudo) bool { return s>>p&1 != 0 }

// permitted are the pseudo-header fields of each section.
var permitted = [...]set{
	anySection:   setOf(method, scheme, authority, path, protocol, status),
	requestHead:  setOf(method, scheme, authority, path, protocol),
	responseHead: setOf(status),
	trailers:     setOf(),
}

// head is what the rules of a message need of a field block: the control data (RFC 9113 §8.3), and
// the fields host and content-length.
type head struct {
	has    set
	values [pseudos]string
	host   string

	sized, differs bool // has a size; has several
	size           string
}

// checkFields checks the rules for the fields of a section (RFC 9113 §8.2, §8.3), and fills h.
func (h *head) checkFields(fields []hpack.HeaderField, at section) *Violation {
	var tolerated, v *Violation
	regular := false
	for i := range fields {
		f := &fields[i]
		if f.IsPseudo() {
			v = h.pseudo(f, at, regular)
		} else {
			regular = true
			if v = h.regular(f); v == nil && at == trailers && onlyInHead(f.Name) {
				v = ruleTrailerField
			}
		}
		if v != nil && !v.Tolerated {
			return v
		} else if tolerated == nil {
			tolerated = v
		}
	}
	if v := h.check(at); v != nil && (tolerated == nil || !v.Tolerated) {
		return v
	}
	return tolerated
}

// pseudo checks and takes a pseudo-header field. late says that it follows a regular field.
func (h *head) pseudo(f *hpack.HeaderField, at section, late bool) *Violation {
	p := pseudoOf(f.Name)
	switch {
	case !permitted[at].has(p):
		return notPermitted(p, at)
	case late:
		return rulePseudoLate
	case h.has.has(p) && at == requestHead:
		return rulePseudoTwiceRequest
	case h.has.has(p):
		return rulePseudoTwice
	}
	h.has |= 1 << p
	h.values[p] = f.Value
	if p == status && isStatus(f.Value) {
		return nil
	}
	return checkValue(f.Value)
}

func notPermitted(p pseudo, at section) *Violation {
	switch {
	case p == noPseudo:
		return rulePseudoUnknown
	case at == trailers:
		return rulePseudoTrailers
	}
	return rulePseudoSide
}

// check checks that a head has the required pseudo-header fields (RFC 9113 §8.3.1, §8.3.2).
func (h *head) check(at section) *Violation {
	switch at {
	case responseHead:
		code := h.values[status]
		if !h.has.has(status) {
			return ruleNoStatus
		}
		if !isStatus(code) {
			return ruleStatus
		}
		if code == "101" {
			return ruleSwitching
		}
	case requestHead:
		return h.checkRequest()
	}
	return nil
}

func isStatus(code string) bool {
	return len(code) == 3 && isDigit(code[0]) && isDigit(code[1]) && isDigit(code[2])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
