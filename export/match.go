package export

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"h2trace/export/scan"
)

// Match says which exchanges are printed: those that meet each condition that is set. The zero
// Match is met by all.
type Match struct {
	// Host and Path have to be met by the URL. "*" stands for anything; Host is compared
	// with the whole name, with or without its port, and Path with any part of the path and
	// the query, as they are and without escapes.
	Host, Path string
	// Status has ranges of statuses; NoStatus is that of an exchange without a response.
	Status []StatusRange
	// Least is how long an exchange takes at least.
	Least time.Duration
}

// StatusRange is a range of statuses, both ends in it.
type StatusRange struct{ From, To int }

// NoStatus is the status of an exchange without a response.
const NoStatus = 0

// ParseStatuses parses a list such as "404,5xx,500-503,none".
func ParseStatuses(list string) (ranges []StatusRange, err error) {
	for item := range strings.SplitSeq(list, ",") {
		item = strings.ToLower(strings.TrimSpace(item))
		from, to, ranged := strings.Cut(item, "-")
		switch {
		case item == "none":
			ranges = append(ranges, StatusRange{NoStatus, NoStatus})
			continue
		case len(item) == 3 && strings.HasSuffix(item, "xx"):
			from, to = item[:1]+"00", item[:1]+"99"
		case !ranged:
			to = from
		}
		var r StatusRange
		for _, end := range []struct {
			text string
			to   *int
		}{{from, &r.From}, {to, &r.To}} {
			if *end.to, err = strconv.Atoi(end.text); err != nil || len(end.text) != len("404") || *end.to < 100 {
				return nil, fmt.Errorf("unknown status %q (valid: 404, 4xx, 500-503, none)", item)
			}
		}
		if r.From > r.To {
			return nil, fmt.Errorf("the range of statuses %q is empty", item)
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

// Set reports whether there is a condition.
func (m *Match) Set() bool {
	return m.Host != "" || m.Path != "" || len(m.Status) > 0 || m.Least > 0
}

// meetsLine reports whether the exchange of a line meets all conditions.
func (m *Match) meetsLine(line []byte) bool {
	var rawURL string
	status, total := NoStatus, time.Duration(-1)
	scan.Members(line, func(key, v []byte) {
		switch string(key) {
		case "url":
			rawURL = scan.Text(v)
		case "status":
			n, _ := scan.Integer(v)
			status = int(n)
		case "total_ms":
			if d, ok := scan.Millis(v); ok {
				total = d
			}
		}
	})
	return m.meets(rawURL, status, total)
}

// meets reports whether an exchange meets all conditions. What is not known of it meets none: a
// rawURL of "", and a negative time.
func (m *Match) meets(rawURL string, status int, total time.Duration) bool {
	return (m.Least == 0 || total >= m.Least) && m.meetsStatus(status) && m.meetsURL(rawURL)
}

func (m *Match) meetsStatus(status int) bool {
	for _, r := range m.Status {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return len(m.Status) == 0
}

func (m *Match) meetsURL(rawURL string) bool {
	scheme, host, path := splitURL(rawURL)
	if m.Path != "" && !wildcard("*"+m.Path+"*", path) {
		if plain, err := url.PathUnescape(path); err != nil || !wildcard("*"+m.Path+"*", plain) {
			return false
		}
	}
	if m.Host == "" {
		return true
	}
	name, port := host, defaultPorts[scheme]
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], host[i+1:]
	}
	bare := strings.Trim(name, "[]")
	return wildcard(m.Host, name) || wildcard(m.Host, bare) || wildcard(m.Host, name+":"+port)
}

// defaultPorts are those of URLs without one (RFC 9110 §4.2).
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// splitURL takes a URL apart that need not be valid: servers get others, too. That of a CONNECT
// is an authority alone. Credentials are left out.
func splitURL(rawURL string) (scheme, host, path string) {
	scheme, host, ok := strings.Cut(rawURL, "://")
	if !ok {
		scheme, host = "", rawURL
	}
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host, path = host[:i], host[i:]
	}
	return strings.ToLower(scheme), host[strings.LastIndexByte(host, '@')+1:], path
}

// wildcard reports whether all of s meets a pattern, regardless of case.
func wildcard(pattern, s string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	s = strings.ToLower(s)
	if len(parts) == 1 {
		return s == parts[0]
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}
