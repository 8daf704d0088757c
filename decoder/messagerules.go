package decoder

// malformed is a rule that makes a message malformed (RFC 9113 §8.1.1).
func malformed(text string) *Violation {
	return &Violation{Code: ProtocolError, Rule: text, Malformed: true}
}

// tolerated is such a rule that net/http and others do not enforce.
func tolerated(text string) *Violation {
	return &Violation{Code: ProtocolError, Rule: text, Malformed: true, Tolerated: true}
}

// The rules that make a message malformed, by section.
var (
	ruleTrailersOpen       = malformed("trailers do not end their stream (RFC 9113 §8.1)")
	ruleInterimEnd         = malformed("an interim response ends its stream (RFC 9113 §8.1)")
	ruleDataFirst          = malformed("DATA comes before the header section (RFC 9113 §8.1)")
	ruleHeadContent        = malformed("the response to HEAD has content (RFC 9110 §9.3.2)")
	ruleFieldName          = malformed("field name has a character that none may have (RFC 9113 §8.2.1)")
	ruleUpperCase          = malformed("field name has an uppercase letter (RFC 9113 §8.2.1)")
	ruleFieldToken         = malformed("field name is no token (RFC 9110 §5.1)")
	ruleFieldControl       = malformed("field value has a control character (RFC 9110 §5.5)")
	ruleFieldValue         = malformed("field value has NUL, CR or LF (RFC 9113 §8.2.1)")
	rulePseudoLate         = malformed("pseudo-header field follows a regular one (RFC 9113 §8.3)")
	rulePseudoTwice        = malformed("pseudo-header field comes twice (RFC 9113 §8.3)")
	rulePseudoTwiceRequest = malformed("pseudo-header field comes twice (RFC 9113 §8.3, §8.3.1)")
	rulePseudoUnknown      = malformed("pseudo-header field is not defined (RFC 9113 §8.3)")
	rulePseudoTrailers     = malformed("pseudo-header field is in trailers (RFC 9113 §8.3)")
	rulePseudoSide         = malformed("pseudo-header field is one of the other side's (RFC 9113 §8.3)")
	ruleNoPseudo           = malformed("request lacks a mandatory pseudo-header field (RFC 9113 §8.3.1)")
	ruleConnectPseudo      = malformed("CONNECT has :scheme or :path (RFC 9113 §8.5)")
	ruleEmptyPath          = malformed(":path is empty (RFC 9113 §8.3.1)")
	ruleEmptyPseudo        = malformed(":method, :scheme or the :authority of CONNECT is empty (RFC 9113 §8.3.1)")
	rulePathForm           = malformed(":path begins with no / (RFC 9113 §8.3.1)")
	ruleSchemeForm         = malformed(":scheme is no scheme of a URI (RFC 9113 §8.3.1)")
	ruleProtocolMethod     = malformed(":protocol is in a request other than CONNECT (RFC 8441 §4)")
	ruleProtocolEarly      = malformed(":protocol though ENABLE_CONNECT_PROTOCOL is not 1 (RFC 8441 §3)")
	rulePromiseMethod      = malformed("promised request is not safe and cacheable (RFC 9113 §8.4)")
	rulePromiseContent     = malformed("promised request has content (RFC 9113 §8.4)")
	ruleNoStatus           = malformed("response lacks :status (RFC 9113 §8.3.2)")
	ruleStatus             = malformed(":status is no status code (RFC 9113 §8.3.2)")

	ruleSwitching       = tolerated("response has status 101 (RFC 9113 §8.6)")
	ruleContentLength   = tolerated("content-length is not one number (RFC 9110 §8.6)")
	ruleNoLength        = tolerated("content-length is in a response that has no content (RFC 9110 §8.6)")
	ruleNoContent204    = tolerated("the response 204 has content or trailers (RFC 9110 §15.3.5)")
	ruleNoContent304    = tolerated("the response 304 has content or trailers (RFC 9110 §15.4.5)")
	ruleTunnelHeaders   = tolerated("HEADERS is on a stream that CONNECT has made a tunnel (RFC 9113 §8.5)")
	ruleTrailerField    = tolerated("trailers have a field that is only for the header section (RFC 9110 §6.5.1)")
	ruleMethodToken     = tolerated(":method is no token (RFC 9110 §9.1)")
	ruleNoAuthority     = tolerated("request for an http or https URI names no host (RFC 9110 §4.2.1, §7.2)")
	ruleTargetForm      = tolerated(":path or :authority has a character that none may have (RFC 9113 §8.3.1)")
	ruleAsterisk        = tolerated(":path is * in a request other than OPTIONS (RFC 9113 §8.3.1)")
	ruleUserinfo        = tolerated(":authority has userinfo (RFC 9113 §8.3.1)")
	ruleHost            = tolerated("host differs from :authority (RFC 9113 §8.3.1)")
	ruleFieldSpace      = tolerated("field value begins or ends with white space (RFC 9113 §8.2.1)")
	ruleConnectionField = tolerated("field is specific to a connection of HTTP/1 (RFC 9113 §8.2.2)")
)
