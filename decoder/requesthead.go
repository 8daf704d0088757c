package decoder

import "strings"

// What a request must have, and a CONNECT request that does not extend it (RFC 9113 §8.3.1, §8.5).
var (
	neededByRequest = setOf(method, scheme, path)
	neededByConnect = setOf(method, authority)
)

// checkRequest checks the control data of a request (RFC 9113 §8.3.1, §8.5, RFC 8441 §4).
func (h *head) checkRequest() *Violation {
	connect := h.values[method] == "CONNECT"
	need := neededByRequest
	if connect && !h.has.has(protocol) {
		need = neededByConnect
	}
	switch {
	case h.has&need != need:
		return ruleNoPseudo
	case h.has.has(protocol) && !connect:
		return ruleProtocolMethod
	case need == neededByConnect && h.has != need:
		return ruleConnectPseudo
	case h.values[method] == "",
		need == neededByRequest && h.values[scheme] == "",
		need == neededByConnect && h.values[authority] == "":
		return ruleEmptyPseudo
	case need == neededByRequest && !isScheme(h.values[scheme]):
		return ruleSchemeForm
	}
	switch h.values[scheme] {
	case "http", "https": // other URIs may have no path
		if v := h.checkTarget(); v != nil {
			return v
		}
	}
	if !isToken(h.values[method]) {
		return ruleMethodToken
	}
	return nil
}

// isScheme reports whether s is the scheme of a URI (RFC 3986 §3.1).
func isScheme(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && (isDigit(c) || c == '+' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return s != ""
}

// isToken reports whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !lowerToken[c] && (c < 'A' || 'Z' < c) {
			return false
		}
	}
	return s != ""
}

// checkTarget checks the target of a request for an http or https URI (RFC 9113 §8.3.1).
func (h *head) checkTarget() *Violation {
	to := h.values[path]
	switch {
	case to == "":
		return ruleEmptyPath
	case to[0] != '/' && to != "*":
		return rulePathForm
	case to == "*" && h.values[method] != "OPTIONS":
		return ruleAsterisk
	case strings.ContainsAny(to, " #"), strings.ContainsAny(h.values[authority], " /?#"):
		return ruleTargetForm
	case h.values[authority] == "" && (h.host == "" || h.has.has(authority)):
		return ruleNoAuthority
	case strings.IndexByte(h.values[authority], '@') >= 0:
		return ruleUserinfo
	case h.host != "" && h.has.has(authority) && !h.sameHost():
		return ruleHost
	}
	return nil
}

// sameHost reports whether host and :authority name the same origin.
func (h *head) sameHost() bool {
	if h.host == h.values[authority] {
		return true
	}
	port := ":443"
	if h.values[scheme] == "http" {
		port = ":80"
	}
	return strings.EqualFold(strings.TrimSuffix(h.host, port), strings.TrimSuffix(h.values[authority], port))
}

// exempt returns the exemption of the response to a request.
func (h *head) exempt() exempt {
	switch h.values[method] {
	case "HEAD":
		return exemptHead
	case "CONNECT":
		return exemptConnect
	}
	return exemptNone
}

// checkPromise checks the request that a server makes in place of the client (RFC 9113 §8.4).
func (h *head) checkPromise() *Violation {
	switch h.values[method] { // RFC 9110 §9.2; of other methods it is unknown
	case "CONNECT", "DELETE", "OPTIONS", "PATCH", "POST", "PUT", "TRACE":
		return rulePromiseMethod
	}
	if h.sized && (h.differs || h.size != "0") {
		return rulePromiseContent
	}
	return nil
}
