package redact

import (
	"bytes"
	"strings"
)

// assigned returns the value of "name=value".
func (t *text) assigned(c char, next int, name span) (from, to int) {
	if !t.secretName(name) {
		return 0, 0
	}
	if bytes.HasSuffix(t.r.name, []byte("extraheader")) { // of git: all of a header
		return lineSpan(t.s, next, t.quoteBefore(name))
	}
	if from, to = valueSpan(t.s, next, c.level, t.open); isSwitch(t.s[from:to]) {
		return 0, 0
	}
	return from, t.extend(from, to, c.level)
}

// extend returns where a secret ends that s[from:to] is or announces: in "token=Bearer X" and
// "token= password: X", X is one.
func (t *text) extend(from, to, level int) int {
	for to < len(t.s) && t.s[to] == ' ' && t.announces(t.s[from:to], from) {
		next, end := valueSpan(t.s, to, level, t.open)
		if next == end {
			break
		}
		from, to = next, end
	}
	if to-1 > from && (to == len(t.s) || t.s[to] == ' ') && strings.IndexByte(":,;", t.s[to-1]) >= 0 {
		return to - 1 // of the sentence: "open token=x: no such file"
	}
	return to
}

// announces reports whether a word, at s[at], announces that the next is a secret.
func (t *text) announces(word string, at int) bool {
	if _, ok := schemeOf(word); ok {
		return true
	}
	if word == "" {
		return false
	}
	end := len(word)
	switch last := word[end-1]; {
	case last == ':' || last == '=':
		end--
	case word[0] != '-':
		return false
	}
	begin := end
	for begin > 0 && end-begin < maxRandom && isNameByte(word[begin-1]) {
		begin--
	}
	return t.secretName(span{at + begin, at + end}) && (end < len(word) || isFlag(t.r.name))
}

// said returns the value of "name: value", and of "name":"value" in JSON. Messages have a ":"
// after many a word, so what is no word there is the secret: see isSpoken.
func (t *text) said(c char, next int, name span) (from, to int) {
	if !t.quoted && name.from > 0 && isSlash(t.s[name.from-1]) {
		return 0, 0 // the last element of a path: "go/token: no Go files"
	}
	if !t.secretName(name) || secretParams[string(t.r.name)] {
		return 0, 0
	}
	if header := string(t.r.name); !t.quoted && isCredentials(header) {
		return lineSpan(t.s, next, t.quoteBefore(name))
	}
	from, to = t.spokenSpan(next, c.level)
	value := t.s[from:to]
	switch {
	case isSwitch(value) || value == "null":
		return 0, 0
	case t.quoted && string(t.r.name) != "key" && string(t.r.name) != "keys", to-from > maxRandom, !isSpoken(t.r.name):
	case isPort(value) || !looksRandom(value):
		return 0, 0
	}
	return from, t.extend(from, to, c.level)
}

// isCredentials reports whether a header has more than one word of credentials.
func isCredentials(name string) bool {
	return name == "authorization" || name == "proxy-authorization" || name == "cookie" || name == "set-cookie"
}

// isPort reports whether what follows "host:" is a port, or a line of a file.
func isPort(s string) bool {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n > 0 && n <= 5 && (n == len(s) || s[n] == '/' || s[n] == ':')
}

// announced returns the word after "--password" and "Bearer".
func (t *text) announced(next int, name span) (from, to int) {
	word := t.s[name.from:name.to]
	if next = skipSpaces(t.s, next); next == len(t.s) {
		return 0, 0
	}
	if _, ok := schemeOf(word); ok {
		return next, credentialSpan(t.s, next)
	}
	if word[0] == '-' && t.s[next] != '-' && t.secretName(name) && isFlag(t.r.name) {
		from, to = valueSpan(t.s, next, 0, t.open)
		return from, t.extend(from, to, 0)
	}
	return 0, 0
}

// slash returns the user information of "//user:password@host" (RFC 3986 §3.2.1), which may also
// follow one slash after a scheme; or the segment of a path after one that announces a token.
func (t *text) slash(c char, i, next int) (from, to int) {
	if t.word < i { // "/a//b@v1" is a path
		t.slashes = 0
		if isSlash(t.prev) {
			return t.segment(next, t.s[t.word:i])
		}
		return 0, 0
	}
	t.slashes++
	if t.slashes >= 2 || t.prev == ':' && isNetScheme(t.s[t.scheme.from:t.scheme.to]) {
		return userinfoSpan(t.s, next, c.level, t.open)
	}
	return 0, 0
}

// segments announce a token in the next segment of a path. After those that are false, which
// have other meanings, too, it has to be long.
var segments = map[string]bool{
	"private-token": true, "private_token": true, "access-token": true, "access_token": true, "auth-token": true, "job-token": true,
	"deploy-token": true, "api-token": true, "api-key": true, "api_key": true, "apikey": true, "password": true,
	"token": false, "tokens": false, "secret": false,
}

// segment returns the segment of a path at s[next:] if it is the token that the one before it,
// called name, announces.
func (t *text) segment(next int, name string) (from, to int) {
	const longest = len("private-token")
	if len(name) < len("token") || len(name) > longest {
		return 0, 0
	}
	var low [longest]byte
	for i := range len(name) {
		low[i] = lower(name[i])
	}
	short, ok := segments[string(low[:len(name)])]
	if !ok {
		return 0, 0
	}
	to = next
	for to < len(t.s) && (isNameByte(t.s[to]) || strings.IndexByte("+:~!$", t.s[to]) >= 0) {
		to++
	}
	if value := t.s[next:to]; !looksRandom(value) || !short && (len(value) < 16 || strings.IndexByte(value, '.') >= 0) {
		return 0, 0
	}
	return next, to
}

// isNetScheme reports whether a word is the scheme of a URL that has an authority.
func isNetScheme(word string) bool {
	if len(word) < 2 || len(word) > len("svn+ssh") {
		return false
	}
	for _, scheme := range [...]string{"https", "http", "ssh", "git", "ftp", "ws", "wss", "svn", "socks5", "socks5h"} {
		if strings.EqualFold(word, scheme) {
			return true
		}
	}
	return false
}

// userBefore returns the user and password before the "@" at s[i:], without a scheme, as scp and
// git have them: "user:password@host:path". A password may have an "@".
func (t *text) userBefore(i, next int) (from, to int) {
	if t.colon == 0 || t.colon+1 >= i || next <= t.noAt || isMailScheme(t.s[t.user:t.colon]) {
		return 0, 0
	}
	last := -1
	if isHost(t.s, next) {
		last = i
	}
	j := next
	for ; j < len(t.s) && t.s[j] > ' ' && !isSlash(t.s[j]) && strings.IndexByte("&?#<>\"'`", t.s[j]) < 0; j++ {
		if t.s[j] == '@' && isHost(t.s, j+1) {
			last = j
		}
	}
	if t.noAt = j; last < 0 {
		return 0, 0
	}
	return t.user, last
}

// isMailScheme reports whether what follows "scheme:" is an address of a person.
func isMailScheme(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "mailto", "acct", "xmpp", "sip", "sips", "im":
		return true
	}
	return false
}

// isHost reports whether a host is at s[i:], rather than what else follows an "@": the digest of
// an image, a version, a word of a version query, a number.
func isHost(s string, i int) bool {
	end, letters := i, false
	for end < len(s) && (alnumDash[s[end]] || s[end] == '.') {
		letters = letters || !isDigit(s[end]) && s[end] != '.'
		end++
	}
	host := s[i:end]
	if host == "" || end < len(s) && (s[end] == '@' || s[end] == '=') {
		return false
	}
	switch host {
	case "sha256", "sha384", "sha512", "latest", "upgrade", "patch", "none", "main", "master", "v":
		return false
	}
	return !isVersion(host) || !letters && strings.Count(host, ".") == 3
}
