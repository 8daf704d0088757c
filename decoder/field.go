package decoder

import (
	"encoding/binary"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// checkField checks a field (RFC 9113 §8.2.1, §8.2.2), of a pseudo-header field only the value.
func checkField(f *hpack.HeaderField, isPseudo bool) *Violation {
	if !isPseudo {
		if v := checkName(f.Name); v != nil {
			return v
		}
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
	}
	return nil
}

// nameRules holds the rule that each octet of a field name breaks.
var nameRules = func() (rules [256]*Violation) {
	for c := range rules {
		switch {
		case c <= ' ', c >= 0x7f, c == ':':
			rules[c] = ruleFieldName
		case 'A' <= c && c <= 'Z':
			rules[c] = ruleUpperCase
		case strings.IndexByte(`"(),/;<=>?@[\]{}`, byte(c)) >= 0:
			rules[c] = ruleFieldToken
		}
	}
	return rules
}()

func checkName(name string) *Violation {
	if name == "" {
		return ruleFieldName
	}
	for i := range len(name) {
		if v := nameRules[name[i]]; v != nil {
			return v
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
	if isSpace(v[0]) || isSpace(v[len(v)-1]) {
		return ruleFieldSpace
	}
	return nil
}

// hasControl reports whether v has a control character other than a tab. It looks at eight octets
// at a time: values are long, and few have one.
func hasControl(v string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for var8 := [8]byte{}; i+8 <= len(v); i += 8 {
		copy(var8[:], v[i:])
		x := binary.LittleEndian.Uint64(var8[:])
		below := (x - ' '*ones) &^ x // its top bits: an octet below a space
		y := x ^ 0x7f*ones           // DEL is 0 in it
		if (below|(y-ones)&^y)&tops != 0 && anyControl(v[i:i+8]) {
			return true
		}
	}
	return anyControl(v[i:])
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

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
