package decoder

import (
	"strings"

	"golang.org/x/net/http2/hpack"
)

// control is the control data of a request (RFC 9113 §8.3.1), and its host.
type control struct{ method, scheme, authority, path, host string }

func controlOf(fields []hpack.HeaderField) (c control) {
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case ":method":
			c.method = f.Value
		case ":scheme":
			c.scheme = f.Value
		case ":authority":
			c.authority = f.Value
		case ":path":
			c.path = f.Value
		case "host":
			c.host = f.Value
		}
	}
	return c
}

// web reports whether the target is an http or https URI.
func (c *control) web() bool { return c.scheme == "http" || c.scheme == "https" }

// checkRequest checks the control data of a request that has the fields of seen (RFC 9113 §8.3.1,
// §8.5, RFC 8441 §4).
func checkRequest(fields []hpack.HeaderField, seen uint8) *Violation {
	c := controlOf(fields)
	connect := c.method == "CONNECT"
	need := hasMethod | hasScheme | hasPath
	if connect && seen&hasProtocol == 0 {
		need = hasMethod | hasAuthority
	}
	switch {
	case seen&need != need:
		return ruleNoPseudo
	case seen&hasProtocol != 0 && !connect:
		return ruleProtocolMethod
	case need&hasPath == 0 && seen&(hasScheme|hasPath) != 0:
		return ruleConnectPseudo
	case c.method == "", seen&hasScheme != 0 && c.scheme == "", need&hasAuthority != 0 && c.authority == "":
		return ruleEmptyPseudo
	case !c.web(): // other URIs may have no path
		return nil
	case c.path == "":
		return ruleEmptyPath
	case c.path[0] != '/' && c.path != "*":
		return rulePathForm
	case c.path == "*" && c.method != "OPTIONS":
		return ruleAsterisk
	case strings.IndexByte(c.authority, '@') >= 0:
		return ruleUserinfo
	case c.host != "" && seen&hasAuthority != 0 && !c.sameHost():
		return ruleHost
	}
	return nil
}

// sameHost reports whether host and :authority name the same origin.
func (c *control) sameHost() bool {
	if c.host == c.authority {
		return true
	}
	port := ":443"
	if c.scheme == "http" {
		port = ":80"
	}
	return strings.EqualFold(strings.TrimSuffix(c.host, port), strings.TrimSuffix(c.authority, port))
}

// checkPromise checks what a request must be that a server makes in place of the client (RFC 9113
// §8.4).
func checkPromise(fields []hpack.HeaderField) *Violation {
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case ":method":
			switch f.Value { // RFC 9110 §9.2; who knows of others?
			case "CONNECT", "DELETE", "OPTIONS", "PATCH", "POST", "PUT", "TRACE":
				return rulePromiseMethod
			}
		case "content-length":
			if f.Value != "0" {
				return rulePromiseContent
			}
		}
	}
	return nil
}

// usesExtendedConnect reports whether a request uses RFC 8441.
func usesExtendedConnect(fields []hpack.HeaderField) bool {
	for i := range fields {
		if !fields[i].IsPseudo() {
			return false
		}
		if fields[i].Name == ":protocol" {
			return true
		}
	}
	return false
}
