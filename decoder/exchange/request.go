package exchange

import (
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
)

// request takes the fields of a request. It reports whether they are those of its head; it
// needs no trailer.
func (o *open) request(fields []hpack.HeaderField) bool {
	if len(fields) == 0 || o.Method != "" || o.URL != "" {
		return false
	}
	var scheme, authority, path string
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case ":method":
			o.Method = f.Value
		case ":scheme":
			scheme = f.Value
		case ":authority":
			authority = f.Value
		case "host": // from a client without :authority (RFC 9113 §8.3.1)
			if authority == "" {
				authority = f.Value
			}
		case ":path":
			path = f.Value
		case "content-type":
			o.callOf(f.Value)
		case "traceparent":
			o.traceParent(f.Value)
		default:
			o.Authorized = o.Authorized || isCredential(f.Name)
		}
	}
	o.URL, o.ToProxy = target(o.Method, scheme, authority, path)
	return o.Method != "" || o.URL != ""
}

// isCredential reports whether a request field carries credentials, by its name in lower
// case: those of RFC 9110 §11 and RFC 6265, and tokens such as Private-Token.
func isCredential(name string) bool {
	switch name {
	case "authorization", "proxy-authorization", "cookie":
		return true
	}
	return strings.HasSuffix(name, "-token")
}

// target returns the target URI of a request (RFC 9110 §7.1), and whether the request is
// for an HTTP proxy. A CONNECT names an authority alone (RFC 9113 §8.5). An OPTIONS with
// "*" is for the server as a whole, whose URI has an empty path (RFC 9112 §3.3). A client
// of a proxy sends an absolute URI.
func target(method, scheme, authority, path string) (url string, toProxy bool) {
	switch {
	case path == "" && scheme == "":
		return authority, method == "CONNECT"
	case path == "*" && authority != "":
		path = ""
	case path != "" && path[0] != '/':
		return path, isAbsolute(path)
	}
	if scheme == "" || authority == "" {
		return authority + path, false
	}
	return scheme + "://" + authority + path, false
}

// isAbsolute reports whether a request target is an absolute URI (RFC 9112 §3.2.2).
func isAbsolute(target string) bool {
	scheme, _, found := strings.Cut(target, "://")
	return found && scheme != "" && strings.IndexFunc(scheme, notOfScheme) < 0
}

// notOfScheme reports whether a scheme cannot contain r (RFC 3986 §3.1).
func notOfScheme(r rune) bool {
	letter := 'a' <= r|0x20 && r|0x20 <= 'z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("+-.", r)
}

// begins reports whether the field block of a response is none of its trailers.
func (o *open) begins(f *decoder.Frame) bool {
	if len(f.Headers) > 0 {
		return f.Headers[0].Name == ":status"
	}
	return !o.ending[f.Dir]
}

// response takes the fields of a response. It skips interim ones (RFC 9110 §15.2).
func (o *open) response(f *decoder.Frame) {
	fields := f.Headers
	switch {
	case f.HeadersError != "":
		o.hidden = o.hidden || o.Response == 0
		return
	case len(fields) == 0:
		return
	case fields[0].Name != ":status":
		if o.Response != 0 {
			o.trailers(fields)
		}
		return
	}
	status, err := strconv.ParseUint(fields[0].Value, 10, 16)
	if err != nil || len(fields[0].Value) != 3 || status < 200 || o.Response != 0 {
		return
	}
	o.Status, o.Response = int(status), f.Time
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case "location":
			o.Redirect = f.Value
		case "content-type":
			o.callOf(f.Value)
		default:
			o.field(f.Name, f.Value)
		}
	}
	o.settle()
	o.trailers(fields) // a response with nothing but trailers
}
