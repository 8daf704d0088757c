package redact

import "strings"

const (
	// minRandom is the length of the shortest text that can look random.
	minRandom = 6
	// longRandom is the length from which one without spaces looks random in any case.
	longRandom = 24
	// maxRandom is how much of a text is looked at. A longer one without spaces is random.
	maxRandom = 1 << 8
)

// looksRandom reports whether a value after a name that may mean other things, too, is a
// secret, rather than a word, a number, a version or a date: "token bucket", "key: sha256".
func looksRandom(s string) bool {
	s = strings.TrimSpace(s[:min(len(s), maxRandom)])
	if len(s) < minRandom || isVersion(s) || isDate(s) || isPath(s) || algorithms[strings.ToLower(s)] {
		return false
	}
	var digits, letters, rises int
	prev := byte(0)
	for i := range len(s) {
		c := s[i]
		switch {
		case c <= ' ':
			return false
		case isDigit(c):
			digits++
		case 'A' <= c && c <= 'Z':
			letters++
			if 'a' <= prev && prev <= 'z' {
				rises++
			}
		case 'a' <= c && c <= 'z':
			letters++
		}
		prev = c
	}
	return digits > 0 && letters > 0 || rises >= 3 || letters > 0 && prev == '=' || letters > 0 && len(s) >= longRandom
}

// isMixed reports whether s has digits and letters of both cases. A long one counts as if it had.
func isMixed(s string) bool {
	if len(s) > maxRandom {
		return true
	}
	var digit, upper, lower bool
	for i := range len(s) {
		digit = digit || isDigit(s[i])
		upper = upper || 'A' <= s[i] && s[i] <= 'Z'
		lower = lower || 'a' <= s[i] && s[i] <= 'z'
	}
	return digit && upper && lower
}

// algorithms have letters and digits, and stand after "key:" and "signature:".
var algorithms = map[string]bool{
	"sha256": true, "sha384": true, "sha512": true, "sha-256": true, "sha-384": true, "sha-512": true,
	"ed25519": true, "x25519": true, "rs256": true, "aes128": true, "aes256": true, "http/1.0": true, "http/1.1": true, "http/2": true,
	"http2.0": true, "base64": true, "tls1.2": true, "tls1.3": true,
}

// isVersion reports whether s is a version of a module, also a pseudo-version, or one of anything
// else: "v1.2.3", "v0.0.0-20240101000000-abcdef123456", "1.22.3".
func isVersion(s string) bool {
	s = strings.TrimPrefix(s, "v")
	i := 0
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	return i > 0 && (i == len(s) || strings.IndexByte(s[:i], '.') > 0 && (s[i] == '-' || s[i] == '+'))
}

// isPath reports whether s begins as absolute paths do: "/proc/self/fd/7". Base64 rarely does, as
// it has capital letters and digits anywhere.
func isPath(s string) bool {
	if s[0] != '/' {
		return false
	}
	name, _, more := strings.Cut(s[1:], "/")
	return more && len(name) >= len("go") && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == ""
}

// isDate reports whether s begins as RFC 3339 dates do.
func isDate(s string) bool {
	return len(s) >= len("2006-01-02") && isDigit(s[0]) && isDigit(s[3]) && s[4] == '-' && isDigit(s[6]) && s[7] == '-' && isDigit(s[9])
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
