package decoder

import (
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// section is the kind of a field block.
type section uint8

const (
	anySection section = iota // unknown
	requestHead
	responseHead
	trailers
)

// pseudo are the pseudo-header fields of a section, each with a bit.
var pseudo = [...]map[string]uint8{
	anySection:   {":method": 1, ":scheme": 2, ":authority": 4, ":path": 8, ":protocol": 16, ":status": 32},
	requestHead:  {":method": 1, ":scheme": 2, ":authority": 4, ":path": 8, ":protocol": 16},
	responseHead: {":status": 32},
	trailers:     nil,
}

// checkFields checks the rules for the fields of a section (RFC 9113 §8.2, §8.3).
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

// checkPseudo checks that a head has the required pseudo-header fields (RFC 9113 §8.3.1,
// §8.3.2, §8.5; RFC 8441 §4).
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
		connect, empty, web := false, false, false
		for i := range fields {
			switch f := &fields[i]; f.Name {
			case ":method":
				connect = f.Value == "CONNECT"
			case ":path":
				empty = f.Value == ""
			case ":scheme":
				web = f.Value == "http" || f.Value == "https"
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
		case empty && web: // other URIs may have none
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
		if !onlyTrailers(v) {
			return ruleConnectionField
		}
	}
	return nil
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
