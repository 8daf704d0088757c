package export

import (
	"strings"

	"golang.org/x/net/http2/hpack"
)

// redacted replaces a secret.
const redacted = "<redacted>"

// redactor removes secrets before output: the values of secret headers, the user
// information of URLs and the values of secret parameters. Everything else stays as it
// is, byte for byte. It returns a value without a secret as it came, without a copy.
//
// It reuses its buffers: a returned slice is valid until the next call. It is not safe for
// concurrent use.
type redactor struct {
	names secretNames
	out   []byte // the value without secrets
	name  []byte // a parameter's name, decoded
}

func newRedactor() *redactor { return &redactor{names: newSecretNames()} }

// header returns the value of a field to print: a string if it is unchanged, bytes if a
// secret was removed.
//
// A sender encodes a sensitive field as never indexed (RFC 7541 §7.1.3). Such a field is a
// secret whatever its name, unless it is a pseudo-header.
func (r *redactor) header(f *hpack.HeaderField) (string, []byte) {
	if f.Value == "" {
		return "", nil
	}
	class := r.names.header(f.Name)
	if f.Sensitive && !strings.HasPrefix(f.Name, ":") {
		class = headerSecret
	}
	switch class {
	case headerSecret:
		return redacted, nil
	case headerAuthority:
		if at := strings.LastIndexByte(f.Value, '@'); at > 0 {
			r.out = append(append(r.out[:0], redacted...), f.Value[at:]...)
			return "", r.out
		}
		return f.Value, nil
	case headerOpen:
		if n := authSchemeLen(f.Value); n > 0 {
			r.out = append(append(r.out[:0], f.Value[:n]...), redacted...)
			return "", r.out
		}
	}
	if out, found := r.text(f.Value); found {
		return "", out
	}
	return f.Value, nil
}

// argument removes secrets from an argument of a command. It removes what text removes,
// and the value of a secret header, as in git's "http.extraHeader=Authorization: Basic …".
func (r *redactor) argument(s string) ([]byte, bool) {
	if i := strings.LastIndexByte(s, ':'); i > 0 && strings.TrimSpace(s[i+1:]) != "" {
		name := s[:i]
		if j := strings.LastIndexAny(name, "= \t"); j >= 0 {
			name = name[j+1:]
		}
		if r.names.header(strings.ToLower(name)) == headerSecret {
			r.out = append(append(append(r.out[:0], s[:i]...), ": "...), redacted...)
			return r.out, true
		}
	}
	return r.text(s)
}

// authSchemes begin credentials (RFC 9110 §11.4) in any header.
var authSchemes = [...]string{"bearer ", "basic ", "negotiate ", "digest ", "ntlm ", "aws4-hmac-sha256 "}

// authSchemeLen returns the length of the authentication scheme at the beginning of s,
// with the spaces after it. It is 0 if there is no scheme, or nothing follows it.
func authSchemeLen(s string) int {
	if strings.IndexByte("bBnNdDaA", s[0]) < 0 {
		return 0
	}
	for _, scheme := range authSchemes {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			if rest := strings.TrimLeft(s[len(scheme):], " "); rest != "" {
				return len(s) - len(rest)
			}
		}
	}
	return 0
}
