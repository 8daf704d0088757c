package redact

import (
	"strings"

	"golang.org/x/net/http2/hpack"
)

// Header returns the value of a field to print: a string if it is unchanged, bytes if a
// secret was removed.
//
// A sender encodes a sensitive field as never indexed (RFC 7541 §7.1.3). Such a field is a
// secret whatever its name, unless it is a pseudo-header.
func (r *Redactor) Header(f *hpack.HeaderField) (string, []byte) {
	if f.Value == "" {
		return "", nil
	}
	class := r.names.header(f.Name)
	if f.Sensitive && !strings.HasPrefix(f.Name, ":") {
		class = headerSecret
	}
	switch class {
	case headerSecret:
		return Mark, nil
	case headerGuess:
		if looksRandom(f.Value) {
			return Mark, nil
		}
	case headerAuthority:
		if at := strings.LastIndexByte(f.Value, '@'); at > 0 {
			r.begin()
			r.out = append(append(r.out, Mark...), f.Value[at:]...)
			return "", r.out
		}
		return f.Value, nil
	}
	if n := schemeLen(f.Value); n > 0 && class != headerChallenge {
		return "", r.keep(f.Value[:n])
	}
	if out, found := r.Text(f.Value); found {
		return "", out
	}
	return f.Value, nil
}

// Name returns the name of a field without a token in it.
func (r *Redactor) Name(name string) string {
	if len(name) < MinShape {
		return name
	}
	if out, found := r.Text(name); found {
		return string(out)
	}
	return name
}

// schemes begin credentials (RFC 9110 §11.4). What follows one is a secret at the beginning of a
// header. Elsewhere, and after a word that says other things, too, it has to look like one.
var schemes = map[string]scheme{
	"bearer": {}, "basic": {}, "negotiate": {}, "ntlm": {}, "kerberos": {}, "dpop": {}, "hawk": {}, "apikey": {},
	"digest": {once: true}, "aws4-hmac-sha256": {once: true},
	"token": {word: true}, "oauth": {word: true}, "privatetoken": {word: true},
}

// scheme says of one whether it is an ordinary word, too, and whether a list of parameters follows.
type scheme struct{ word, once bool }

// maxScheme is the length of the longest of the schemes.
const maxScheme = len("aws4-hmac-sha256")

// schemeOf returns which of the schemes a word is.
func schemeOf(word string) (s scheme, ok bool) {
	if len(word) < len("ntlm") || len(word) > maxScheme {
		return s, false
	}
	var low [maxScheme]byte
	for i := range len(word) {
		low[i] = lower(word[i])
	}
	s, ok = schemes[string(low[:len(word)])]
	return s, ok
}

// schemeLen returns the length of the authentication scheme at the beginning of s,
// with the spaces after it. It is 0 if there is no scheme, or nothing follows it.
func schemeLen(s string) int {
	end := strings.IndexByte(s[:min(len(s), maxScheme+1)], ' ')
	if end < 0 {
		return 0
	}
	scheme, ok := schemeOf(s[:end])
	rest := strings.TrimLeft(s[end:], " ")
	if !ok || rest == "" || scheme.word && !looksRandom(rest) {
		return 0
	}
	return len(s) - len(rest)
}

// credentialSpan returns where the token of a scheme ends that begins at s[i:] (token68 of RFC
// 9110 §11.2). It is i if a parameter of a challenge is there, or an ordinary word.
func credentialSpan(s string, i int) int {
	end := i
	for end < len(s) && isToken68[s[end]] {
		end++
	}
	from := end
	for end < len(s) && s[end] == '=' {
		end++
	}
	if end > from && end < len(s) && s[end] > ' ' && s[end] != ',' && (!isQuote(s[end]) || !isClosingQuote(s, end)) {
		return i // name=value
	}
	if !looksRandom(s[i:end]) {
		return i
	}
	return end
}

var isToken68 = charset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/")

func charset(chars string) (t [256]bool) {
	for i := range len(chars) {
		t[chars[i]] = true
	}
	return t
}
