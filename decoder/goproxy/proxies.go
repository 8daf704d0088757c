package goproxy

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// The words in GOPROXY that name no proxy, and the end of the list.
const (
	Direct = "direct" // from the version control system
	Off    = "off"    // not at all
	None   = "none"
)

// Entry is one of a GOPROXY list.
type Entry struct {
	// URL is the URL of the proxy without credentials and query, or Direct or Off.
	URL string
	// AnyError says that the go command tries the next entry after any error, and
	// not only after 404 and 410.
	AnyError bool
	// Credentials says that the URL has some.
	Credentials bool

	site, base string // scheme and host, and path of the URL
}

// Proxies is the value of GOPROXY (https://go.dev/ref/mod#environment-variables).
// The nil value is an unknown list.
type Proxies []Entry

// maxEntries bounds the entries kept of a list.
const maxEntries = 64

// ParseProxies parses the value of GOPROXY. It drops entries that the go command
// rejects.
func ParseProxies(value string) Proxies {
	var l Proxies
	for value != "" && len(l) < maxEntries {
		entry, rest := value, ""
		anyError := false
		if i := strings.IndexAny(value, ",|"); i >= 0 {
			entry, rest, anyError = value[:i], value[i+1:], value[i] == '|'
		}
		value = rest
		switch entry = strings.TrimSpace(entry); entry {
		case "":
			continue
		case Direct, Off:
			return append(l, Entry{URL: entry}) // the go command ignores later entries
		}
		if strings.ContainsAny(entry, ".:/") && !strings.Contains(entry, ":/") && entry[0] != '/' {
			entry = "https://" + entry
		}
		u, err := url.Parse(entry)
		if err != nil || u.Scheme == "" {
			continue
		}
		e := Entry{AnyError: anyError, Credentials: u.User != nil, site: site(u), base: strings.TrimSuffix(u.Path, "/")}
		e.URL = u.Scheme + "://" + u.Host + e.base
		l = append(l, e)
	}
	return l
}

// site returns the scheme and host of a URL, normalized.
func site(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// Parse is like the function Parse, for a process with this list. at is the entry that
// the request is for, -1 for none.
func (l Proxies) Parse(rawURL string) (r Request, at int, ok bool) {
	if !mayParse(rawURL) {
		return Request{}, -1, false
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return Request{}, -1, false
	}
	var own []int // entries of the same host, the longest base first
	asked := site(u)
	for i := range l {
		if l[i].site == asked && asked != "" {
			own = append(own, i)
		}
	}
	slices.SortStableFunc(own, func(i, j int) int { return cmp.Compare(len(l[j].base), len(l[i].base)) })
	for _, i := range own {
		if r, ok := parseBehind(u, l[i].base); ok {
			return r, i, true
		}
	}
	r, ok = parse(pathOf(u), false)
	return r, -1, ok
}

// Next returns the entry that the go command tries after the entry at failed with a
// status: the URL of a proxy, Direct, Off, or None.
func (l Proxies) Next(at, status int) string {
	if at+1 == len(l) || !l.goesOn(at, status) {
		return None
	}
	return l[at+1].URL
}

// Tail returns what comes after all proxies: Direct, Off or None. It is "" for an unknown
// list.
func (l Proxies) Tail() string {
	if len(l) == 0 {
		return ""
	}
	if last := l[len(l)-1].URL; last == Direct || last == Off {
		return last
	}
	return None
}

// Barred returns the entry after the entry at, if the go command skips it because a ","
// stands between them and the status is neither 404 nor 410. It is the URL of a proxy
// or Direct, else "". Off asks nobody in any case.
func (l Proxies) Barred(at, status int) string {
	if at+1 == len(l) || l.goesOn(at, status) || l[at+1].URL == Off {
		return ""
	}
	return l[at+1].URL
}

// goesOn reports whether the go command tries an entry after the entry at, if there is
// one.
func (l Proxies) goesOn(at, status int) bool {
	return l[at].AnyError || status == 404 || status == 410
}
