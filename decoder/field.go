package decoder

import (
	"strings"

	"golang.org/x/net/http2/hpack"
)

// regular checks a field that is no pseudo-header field (RFC 9113 §8.2.1, §8.2.2), and takes what
// the rules of its message need.
func (h *head) regular(f *hpack.HeaderField) *Violation {
	if v := checkName(f.Name); v != nil {
		return v
	}
	if v := checkValue(f.Value); v != nil {
		return v
	}
	switch f.Name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return ruleConnectionField
	case "te":
		if !onlyTrailers(f.Value) {
			return ruleConnectionField
		}
	case "host":
		h.host = f.Value
	case "content-length":
		h.differs = h.differs || h.sized && f.Value != h.size
		h.sized, h.size = true, f.Value
	}
	return nil
}

// onlyInHead reports whether a field concerns the framing, the routing or the coding of a message, which
// trailers are too late for (RFC 9110 §6.5.1).
func onlyInHead(name string) bool {
	switch name {
	case "content-encoding", "content-length", "content-range", "host", "trailer":
		return true
	}
	return false
}

// lowerToken holds the octets of a field name: those of a token (RFC 9110 §5.1) but for uppercase
// letters.
var lowerToken = func() (octets [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
		octets[c] = true
	}
	return octets
}()

func checkName(name string) *Violation {
	if name == "" {
		return ruleFieldName
	}
	for i := range len(name) {
		switch c := name[i]; {
		case lowerToken[c]:
		case 'A' <= c && c <= 'Z':
			return ruleUpperCase
		case c <= ' ', c >= 0x7f, c == ':':
			return ruleFieldName
		default:
			return ruleFieldToken
		}
	}
	return nil
}

func checkValue(v string) *Violation {
	if v == "" {
		return nil
	}
	if hasControl(v) {
		if strings.ContainsAny(v, "\x00\r\n") {
			return ruleFieldValue
		}
		return ruleFieldControl
	}
	if v[0] <= ' ' || v[len(v)-1] <= ' ' { // a space or a tab
		return ruleFieldSpace
	}
	return nil
}

// hasControl reports whether v has a control character other than a tab. It looks at eight octets
// at a time, the last of which it may have seen: most values have no such character.
func hasControl(v string) bool {
	if len(v) < 8 {
		return anyControl(v)
	}
	for i := 0; i+8 <= len(v); i += 8 {
		if mayControl(v[i:i+8]) && anyControl(v[i:i+8]) {
			return true
		}
	}
	last := v[len(v)-8:]
	return mayControl(last) && anyControl(last)
}

// mayControl reports whether one of eight octets is below a space, or DEL.
func mayControl(v string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	_ = v[7]
	x := uint64(v[0]) | uint64(v[1])<<8 | uint64(v[2])<<16 | uint64(v[3])<<24 |
		uint64(v[4])<<32 | uint64(v[5])<<40 | uint64(v[6])<<48 | uint64(v[7])<<56
	y := x ^ 0x7f*ones // DEL is 0
	return ((x-' '*ones)&^x|(y-ones)&^y)&tops != 0
}

func anyControl(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// onlyTrailers reports whether a list of transfer codings (RFC 9110 §10.1.4), which
// may be empty, names none but trailers (RFC 9113 §8.2.2).
func onlyTrailers(list string) bool {
	for coding := range strings.SplitSeq(list, ",") {
		if coding = strings.Trim(coding, " \t"); coding != "" && !strings.EqualFold(coding, "trailers") {
			return false
		}
	}
	return true
}
