package redact

import (
	"bytes"
	"strings"
)

// secretParts make a header or parameter name secret anywhere in it. So
// x-goog-iam-authorization-token, PRIVATE-TOKEN and authToken need no entries.
var secretParts = []string{
	"token", "secret", "passw", "passphrase", "credential", "signature", "authorization",
	"cookie", "session", "sessid", "bearer", "jwt", "csrf", "xsrf", "assertion", "extraheader", "askpass",
}

// secretWords make a name secret if they are one of its words.
var secretWords = map[string]bool{
	"auth": true, "pass": true, "pwd": true, "sig": true, "sid": true, "otp": true, "totp": true,
	"hmac": true, "oidc": true, "dpop": true, "wsse": true, "ticket": true, "verifier": true,
	"samlresponse": true, "samlrequest": true, "pin": true, "tok": true, "tkn": true, "cred": true, "creds": true,
}

// guessWords make the value of a header a secret if it looks random, too.
var guessWords = map[string]bool{
	"refresh": true, "login": true, "oauth": true, "oauth2": true, "authn": true, "authz": true, "saml": true, "sso": true,
	"sess": true, "grant": true, "nonce": true, "seed": true, "salt": true, "challenge": true,
}

// openNames are not secret, although a rule above matches.
var openNames = map[string]bool{
	"idempotency-key": true, "surrogate-key": true, "cache-key": true, "x-cache-key": true,
	"sec-websocket-key": true, "public-key-pins": true, "public-key-pins-report-only": true, "pin-sha256": true,
}

// openWords contain one of secretParts, or end in "key", and mean something else. Only the
// rest of a name counts.
var openWords = [...][]byte{
	[]byte("showsignature"), []byte("verifysignature"), []byte("passwordless"), []byte("secretary"), []byte("secretariat"),
	[]byte("obsession"), []byte("possession"), []byte("monkey"), []byte("donkey"), []byte("turkey"), []byte("hockey"),
	[]byte("jockey"), []byte("whiskey"), []byte("hotkey"),
}

// secretHeaders are secret only as headers, secretParams only as parameters.
var (
	secretHeaders = map[string]bool{"x-registry-config": true, "authentication-info": true, "proxy-authentication-info": true}
	secretParams  = map[string]bool{"code": true, "sas": true}
)

// isSecretName reports whether a name, in lower case, marks its value as a secret: it
// contains one of secretParts, or a word that is one of secretWords or ends in "key".
func isSecretName(name []byte) bool {
	if openNames[string(name)] {
		return false
	}
	for _, word := range openWords {
		name = bytes.ReplaceAll(name, word, []byte("-"))
	}
	for _, part := range secretParts {
		if bytes.Contains(name, []byte(part)) {
			return true
		}
	}
	for word := range bytes.FieldsFuncSeq(name, isNotWord) {
		word = bytes.TrimRight(word, "0123456789")
		if secretWords[string(word)] || bytes.HasSuffix(word, []byte("key")) || bytes.HasSuffix(word, []byte("keys")) {
			return true
		}
	}
	return false
}

// isSwitch reports whether a value turns something on or off, as in
// log.showSignature=false. The name then names a setting, not a secret. "KEY=VALUE" stands for
// any.
func isSwitch(value string) bool {
	switch strings.TrimRight(value, ";,") {
	case "true", "false", "yes", "no", "on", "off", "VALUE":
		return true
	}
	return false
}

func isNotWord(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r < 0x80
}

// headerClass is what redaction does with the value of a header.
type headerClass uint8

const (
	headerOpen      headerClass = iota // secrets in it are redacted
	headerSecret                       // redacted whole
	headerGuess                        // redacted whole if it looks random, else as headerOpen
	headerAuthority                    // redacted before "@"
	headerChallenge                    // "Bearer realm=…" is a challenge, not credentials
)

func classifyHeader(name string) headerClass {
	lower := strings.ToLower(name)
	switch lower {
	case ":authority", "host", "x-forwarded-host":
		return headerAuthority
	case "www-authenticate", "proxy-authenticate":
		return headerChallenge
	case "refresh": // "5; url=…"
		return headerOpen
	}
	if secretHeaders[lower] || isCertificate(lower) || isSecretName([]byte(lower)) {
		return headerSecret
	}
	for word := range strings.FieldsFuncSeq(lower, isNotWord) {
		if guessWords[word] {
			return headerGuess
		}
	}
	return headerOpen
}

// isCertificate reports whether a header has the certificate of a client, as proxies pass it on
// (RFC 9440): client-cert, x-forwarded-tls-client-cert, x-amzn-mtls-clientcert.
func isCertificate(name string) bool {
	return strings.Contains(name, "cert") &&
		(strings.Contains(name, "client") || strings.Contains(name, "ssl") || strings.Contains(name, "tls") || strings.Contains(name, "peer"))
}

// isSpoken reports whether a secret name, in lower case, is an ordinary word of messages: "token:
// expired", "session: closed". What follows a ":" then is a secret only if it looks like one.
// After "password: " anything is one.
func isSpoken(name []byte) bool {
	for _, part := range [...]string{"passw", "passphrase", "pwd"} {
		if bytes.Contains(name, []byte(part)) {
			return false
		}
	}
	switch string(name) {
	case "pin", "otp", "totp":
		return false
	}
	return true
}

// isFlag reports whether a name, in lower case, is a flag whose value is the next word:
// "--password X". Some flags have no value: "--show-secrets".
func isFlag(name []byte) bool {
	if len(name) < 2 || name[0] != '-' {
		return false
	}
	for _, verb := range [...]string{"no", "show", "use", "with", "without", "skip", "disable", "enable", "allow", "require", "verify", "insecure"} {
		if rest, ok := bytes.CutPrefix(bytes.TrimLeft(name, "-"), []byte(verb)); ok && len(rest) > 0 && rest[0] == '-' {
			return false
		}
	}
	return true
}

const (
	// maxKnownNames and maxKnownName bound the memory that a peer can fill by inventing
	// names. Names beyond them are classified each time.
	maxKnownNames = 1024
	maxKnownName  = 64
)

// names caches the classes of names. Connections repeat the same few names, and the
// rules are far slower than a map.
type names struct {
	headers map[string]headerClass
	params  map[string]bool
}

func newNames() names {
	return names{headers: make(map[string]headerClass), params: make(map[string]bool)}
}

func (n *names) header(name string) headerClass {
	if class, ok := n.headers[name]; ok {
		return class
	}
	class := classifyHeader(name)
	if len(name) <= maxKnownName {
		if len(n.headers) >= maxKnownNames {
			clear(n.headers)
		}
		n.headers[strings.Clone(name)] = class
	}
	return class
}

// param classifies the name of a parameter, in lower case.
func (n *names) param(name []byte) bool {
	if secret, ok := n.params[string(name)]; ok {
		return secret
	}
	secret := secretParams[string(name)] || isSecretName(name)
	if len(name) <= maxKnownName {
		if len(n.params) >= maxKnownNames {
			clear(n.params)
		}
		n.params[string(name)] = secret
	}
	return secret
}
