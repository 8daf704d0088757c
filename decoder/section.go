package decoder

import (
	"strconv"

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

// The pseudo-header fields that a section has.
const (
	hasMethod uint8 = 1 << iota
	hasScheme
	hasAuthority
	hasPath
	hasProtocol // RFC 8441 §4
	hasStatus
)

// pseudo are the pseudo-header fields of a section.
var pseudo = [...]map[string]uint8{
	anySection:   {":method": hasMethod, ":scheme": hasScheme, ":authority": hasAuthority, ":path": hasPath, ":protocol": hasProtocol, ":status": hasStatus},
	requestHead:  {":method": hasMethod, ":scheme": hasScheme, ":authority": hasAuthority, ":path": hasPath, ":protocol": hasProtocol},
	responseHead: {":status": hasStatus},
	trailers:     nil,
}

// checkFields checks the rules for the fields of a section (RFC 9113 §8.2, §8.3).
func checkFields(fields []hpack.HeaderField, at section) *Violation {
	var seen uint8
	var tolerated *Violation
	regular := false
	for i := range fields {
		f := &fields[i]
		named := f.IsPseudo()
		if v := checkField(f, named); v != nil && !v.Tolerated {
			return v
		} else if tolerated == nil {
			tolerated = v
		}
		if !named {
			regular = true
			continue
		}
		bit := pseudo[at][f.Name]
		switch {
		case bit == 0:
			return unknownPseudo(f.Name, at)
		case regular:
			return rulePseudoLate
		case seen&bit != 0:
			return pseudoTwice(at)
		}
		seen |= bit
	}
	if v := checkPseudo(fields, at, seen); v != nil && (tolerated == nil || !v.Tolerated) {
		return v
	}
	return tolerated
}

func pseudoTwice(at section) *Violation {
	if at == requestHead {
		return rulePseudoTwiceRequest
	}
	return rulePseudoTwice
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
	switch at {
	case responseHead:
		if seen == 0 {
			return ruleNoStatus
		}
		if _, err := strconv.ParseUint(fields[0].Value, 10, 16); err != nil || len(fields[0].Value) != 3 {
			return ruleStatus
		}
		if fields[0].Value == "101" {
			return ruleSwitching
		}
	case requestHead:
		return checkRequest(fields, seen)
	}
	return nil
}
