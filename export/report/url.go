package report

import (
	"net/url"
	"strings"

	"h2trace/export/redact"
)

// parseURL parses a URL in which redact.Mark may stand for credentials. It reports whether
// the URL is valid and has a host.
func parseURL(rawURL string) (*url.URL, bool) {
	u, err := url.Parse(redact.Parseable(rawURL))
	return u, err == nil && u.Host != ""
}

// withoutUser returns a URL that is not valid without credentials before its host. An "@" at
// the begin of a segment is one of a module proxy's path.
func withoutUser(rawURL string) string {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return rawURL
	}
	for i := len(rest) - 1; i > 0; i-- {
		if rest[i] == '@' && rest[i-1] != '/' {
			return scheme + "://" + rest[i+1:]
		}
	}
	return rawURL
}
