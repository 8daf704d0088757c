package redact

import (
	"encoding/base64"
	"strings"
)

// A shape is a kind of token that is known by how it begins. So it is a secret wherever it
// stands: in a path, as a user, in a message.
type shape struct {
	prefix string
	at     int        // the index of the rarest character in prefix, by which it is looked for
	body   *[256]bool // what may follow
	min    int        // how much of it follows at least
	word   bool       // begins a word: a part of another word may look the same
	mixed  bool       // what follows has digits, and letters of both cases
}

// MinShape is the length of the shortest token that has a shape.
const MinShape = len("xoxb-") + 10

var (
	alnum      = charset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
	upperAlnum = charset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
	alnumLine  = charset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
	alnumDash  = charset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")
	base64url  = charset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
	gitlab     = charset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=")
)

// shapes are the tokens of code hosts, registries, clouds and chats that turn up where modules
// are fetched.
var shapes = func() (list []shape) {
	add := func(mark string, body *[256]bool, least int, word, mixed bool, prefixes ...string) {
		for _, p := range prefixes {
			list = append(list, shape{p, strings.LastIndex(p, mark), body, least, word, mixed})
		}
	}
	add("_", &alnumLine, 20, false, false, "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")
	add("-", &gitlab, 16, false, false, "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glsoat-", "glimt-",
		"glagent-", "glffct-", "gloas-", "glwt-")
	add("-", &alnumDash, 10, false, false, "xoxa-", "xoxb-", "xoxc-", "xoxd-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-")
	add("I", &upperAlnum, 16, false, false, "AKIA", "ASIA")               // AWS
	add("I", &base64url, 35, false, false, "AIza")                        // Google
	add("K", &alnum, 60, false, false, "AKCp")                            // Artifactory
	add("V", &alnum, 50, false, false, "cmVmdGtuOj")                      // Artifactory, a reference
	add("-", &base64url, 20, false, false, "GOCSPX-")                     // Google, a client secret
	add("-", &base64url, 50, true, false, "pypi-")                        // PyPI
	add("_", &alnum, 30, true, false, "npm_", "hf_")                      // npm, Hugging Face
	add("_", &base64url, 20, true, true, "dckr_pat_")                     // Docker
	add("_", &alnumLine, 30, true, false, "dop_v1_", "glsa_")             // DigitalOcean, Grafana
	add("_", &alnum, 20, true, true, "sk_live_", "rk_live_")              // Stripe
	add("-", &base64url, 20, true, true, "sk-")                           // OpenAI and others
	add(".", &base64url, 24, true, true, "hvs.", "hvb.", "hvr.", "ya29.") // Vault, Google
	return list
}()

// marked are the characters by which shapes are looked for: by such a character, and by the one
// before it, the shapes. An empty list is for those that are no shape.
var marked = func() (t [256]*[256][]shape) {
	at := func(c, prev byte) *[]shape {
		if t[c] == nil {
			t[c] = new([256][]shape)
		}
		return &t[c][prev]
	}
	for _, s := range shapes {
		list := at(s.prefix[s.at], s.prefix[s.at-1])
		*list = append(*list, s)
	}
	for _, pair := range []string{"yJ", "--"} { // "eyJ", "-----BEGIN"
		if list := at(pair[1], pair[0]); *list == nil {
			*list = []shape{}
		}
	}
	return t
}()

// mayBegin reports whether a token may have its mark at s[i].
func mayBegin(s string, i int) bool { return i > 0 && marked[s[i]][s[i-1]] != nil }

// A shapeFinder looks for tokens in a text, from its beginning to its end.
type shapeFinder struct {
	noJWT int // none begins before
}

// at returns where a token begins and ends that has its mark at s[i], in the word that begins at
// s[word], or after what looks like an escape, as in "%9AKIA". It does not begin before s[done].
// from == to if there is none.
func (f *shapeFinder) at(s string, done, word, i int) (from, to int) {
	list := marked[s[i]][s[i-1]]
	for k := range list {
		sh := &list[k]
		from = i - sh.at
		if from < done || s[from] != sh.prefix[0] || !strings.HasPrefix(s[from:], sh.prefix) {
			continue
		}
		if sh.word && from != word && from > done && alnumLine[s[from-1]] {
			continue
		}
		body := from + len(sh.prefix)
		if to = sh.end(s, body); to > body && (!sh.mixed || isMixed(s[body:to])) {
			return from, to
		}
	}
	switch {
	case s[i] == 'J' && i >= done+2 && s[i-1] == 'y' && s[i-2] == 'e':
		return f.jwt(s, i-2)
	case s[i] == '-' && i >= 4 && strings.HasPrefix(s[i-4:], "-----BEGIN"):
		return pem(s, i-4)
	}
	return i, i
}

// end returns where the characters end that may follow the prefix, or i if there are too few.
func (sh *shape) end(s string, i int) int {
	j := i
	for j < len(s) && sh.body[s[j]] {
		j++
	}
	if j-i < sh.min {
		return i
	}
	return j
}

const (
	// minJWT is how much the header and the payload of a JSON Web Token have at least.
	minJWT = 10
	// jwtHead is how much of the header is decoded: a multiple of 4.
	jwtHead = 12
)

// jwt returns the extent of a JSON Web Token (RFC 7519 §3), of which "eyJ" is at s[i:]: that is
// `{"` and the beginning of a letter, in base64.
func (f *shapeFinder) jwt(s string, i int) (from, to int) {
	if i < f.noJWT || len(s)-i < jwtHead {
		return i, i
	}
	var head [jwtHead]byte
	n, err := base64.RawURLEncoding.Decode(head[:], []byte(s[i:i+jwtHead]))
	for _, c := range head[:n] {
		if c < ' ' || c > '~' {
			err = base64.CorruptInputError(0)
		}
	}
	if err != nil {
		return i, i
	}
	dot := i
	for dot < len(s) && base64url[s[dot]] {
		dot++
	}
	end := min(dot+1, len(s))
	for end < len(s) && base64url[s[end]] {
		end++
	}
	if dot == len(s) || s[dot] != '.' || end-dot-1 < minJWT {
		f.noJWT = dot
		return i, i
	}
	for end < len(s) && (base64url[s[end]] || s[end] == '.') {
		end++
	}
	return i, end
}

// pem returns the extent of a private key in PEM (RFC 7468 §10) of which the first "-" is at s[i]:
// all between its first and its last line. Its spaces and line ends may be encoded.
func pem(s string, i int) (from, to int) {
	const longest = len("-----BEGIN%20ENCRYPTED%20PRIVATE%20KEY-----")
	label := s[i+len("-----BEGIN") : min(len(s), i+longest+8)]
	n := strings.Index(label, "KEY-----")
	if n < 0 || strings.Contains(label[:n], "PUBLIC") {
		return i, i
	}
	from = i + len("-----BEGIN") + n + len("KEY-----")
	if n = strings.Index(s[from:], "-----END"); n < 0 {
		return from, len(s)
	}
	return from, from + n
}
