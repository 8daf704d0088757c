package proxies

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
)

// InputError is a mistake in what the user named: proxies, modules, a file of these.
type InputError struct{ text string }

func (e *InputError) Error() string { return e.text }

func inputf(format string, args ...any) error {
	return &InputError{fmt.Sprintf(format, args...)}
}

// entry is one entry of GOPROXY.
type entry struct {
	value string // for the go command, with credentials
	name  string // as reports name it, without
}

// direct reports whether modules come from their version control systems.
func (e entry) direct() bool { return e.value == goproxy.Direct }

// parseEntries parses the proxies that the user named. A word may be a GOPROXY list.
func parseEntries(words []string) ([]entry, error) {
	var list []entry
	for _, word := range words {
		for _, value := range split(word) {
			if value == goproxy.Off {
				return nil, inputf("off downloads nothing; name a proxy, or direct")
			}
			e, err := parseEntry(value)
			if err != nil {
				return nil, err
			}
			list = add(list, e)
		}
	}
	if len(list) == 0 {
		return nil, inputf("no proxy is named; name one as in GOPROXY, such as https://goproxy.example, or direct")
	}
	return list, nil
}

// ownEntries returns the entries of the user's GOPROXY up to off, and those that cannot be
// measured, without credentials.
func ownEntries(value string) (list []entry, not []string) {
	for _, word := range split(value) {
		if word == goproxy.Off {
			break
		}
		e, err := parseEntry(word)
		if err != nil {
			not = append(not, err.Error())
			continue
		}
		if list = add(list, e); e.direct() {
			break // the go command ignores later entries
		}
	}
	return list, not
}

// endOf returns how a GOPROXY list ends: goproxy.Direct, goproxy.Off or goproxy.None.
func endOf(value string) string {
	for _, word := range split(value) {
		if word == goproxy.Direct || word == goproxy.Off {
			return word
		}
	}
	return goproxy.None
}

// split returns the entries of a GOPROXY list.
func split(value string) []string {
	words := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '|' })
	for i, word := range words {
		words[i] = strings.TrimSpace(word)
	}
	return slices.DeleteFunc(words, func(s string) bool { return s == "" })
}

func add(list []entry, e entry) []entry {
	if slices.ContainsFunc(list, func(other entry) bool { return other.name == e.name }) {
		return list
	}
	return append(list, e)
}

// parseEntry parses one entry as the go command does.
func parseEntry(value string) (entry, error) {
	if value == goproxy.Direct {
		return entry{value, value}, nil
	}
	parsed := goproxy.ParseProxies(value)
	if len(parsed) != 1 {
		return entry{}, inputf("%q is no proxy; name one as in GOPROXY, such as https://goproxy.example, or direct", redact.String(value))
	}
	name := parsed[0].URL
	u, err := url.Parse(name)
	switch {
	case err != nil || u.Host == "" && u.Scheme != "file":
		return entry{}, inputf("%q is no URL of a proxy", redact.String(value))
	case u.Scheme == "file":
		return entry{}, inputf("%q is a directory: nothing of it goes over a network", redact.String(value))
	case u.Scheme != "https" && u.Scheme != "http":
		return entry{}, inputf("%q has the scheme %s; proxies are https:// or http:// URLs, or direct", redact.String(value), u.Scheme)
	}
	return entry{value, redact.String(name)}, nil // as in events
}
