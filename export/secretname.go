package export

import (
	"bytes"
	"strings"
)

// secretParts make a header or parameter name secret wherever in it they
// stand, so that x-goog-iam-authorization-token, PRIVATE-TOKEN and authToken
// need no entry each.
var secretParts = []string{
	"token", "secret", "passw", "passphrase", "credential", "signature", "authorization",
	"cookie", "session", "sessid", "bearer", "jwt", "csrf", "xsrf", "assertion",
}

// secretWords make a name secret when they are one of its words.
var secretWords = map[string]bool{
	"auth": true, "pass": true, "pwd": true, "sig": true, "sid": true, "otp": true, "totp": true,
	"hmac": true, "oidc": true, "dpop": true, "wsse": true, "ticket": true, "verifier": true,
	"samlresponse": true, "samlrequest": true,
}

// openNames are names that a rule above takes for secret and that hold none.
var openNames = map[string]bool{
	"idempotency-key": true, "surrogate-key": true, "cache-key": true, "x-cache-key": true,
	"sec-websocket-key": true,
}

// openWords hold one of secretParts, or end in "key", and mean something else.
// What is beside them in a name counts.
var openWords = [...][]byte{
	[]byte("showsignature"), []byte("verifysignature"), []byte("passwordless"), []byte("secretary"), []byte("secretariat"),
	[]byte("obsession"), []byte("possession"), []byte("monkey"), []byte("donkey"), []byte("turkey"), []byte("hockey"),
	[]byte("jockey"), []byte("whiskey"), []byte("hotkey"),
}

// secretHeaders and secretParams are secret in that place only.
var (
	secretHeaders = map[string]bool{"x-registry-config": true}
	secretParams  = map[string]bool{"code": true, "sas": true}
)

// isSecretName reports whether the value that belongs to a name, in lower
// case, is a secret, going by the name: one of secretParts in it, or a word
// that is one of secretWords or ends in "key".
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

// isSwitch reports whether a value is one of those that turn something on or off,
// as in log.showSignature=false: the name is then of what is turned.
func isSwitch(value string) bool {
	switch value {
	case "true", "false", "yes", "no", "on", "off":
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
	headerOpen      headerClass = iota // credentials of URLs in it are redacted
	headerSecret                       // redacted whole
	headerAuthority                    // what precedes "@" is redacted
	headerChallenge                    // "Bearer realm=…" says what is asked for
)

func classifyHeader(name string) headerClass {
	lower := strings.ToLower(name)
	switch lower {
	case ":authority", "host", "x-forwarded-host":
		return headerAuthority
	case "www-authenticate", "proxy-authenticate":
		return headerChallenge
	}
	if secretHeaders[lower] || isSecretName([]byte(lower)) {
		return headerSecret
	}
	return headerOpen
}

const (
	// maxKnownNames and maxKnownName bound the memory that a peer can fill
	// by inventing names; names beyond them are classified each time.
	maxKnownNames = 1024
	maxKnownName  = 64
)

// secretNames remembers what names were classified as: connections repeat
// the same few, and the rules are far slower than a map.
type secretNames struct {
	headers map[string]headerClass
	params  map[string]bool
}

func newSecretNames() secretNames {
	return secretNames{headers: make(map[string]headerClass), params: make(map[string]bool)}
}

func (n *secretNames) header(name string) headerClass {
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
func (n *secretNames) param(name []byte) bool {
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
