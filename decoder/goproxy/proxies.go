package goproxy

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// The words in GOPROXY that are no proxies, and what follows the last entry.
const (
	Direct = "direct" // from the version control system
	Off    = "off"    // not at all
	None   = "none"
)

// Entry is one of a GOPROXY list.
type Entry struct {
	// URL is that of the proxy, without credentials and query; or Direct or Off.
	URL string
	// AnyError says that the go command goes on to the next entry after any
	// error, and not only after 404 and 410.
	AnyError bool

	site, base string // scheme and host, and path of the URL
}

// Proxies is the value of GOPROXY (https://go.dev/ref/mod#environment-variables).
// The nil value is one that is not known.
type Proxies []Entry

// maxEntries bounds the entries of a list that are kept.
const maxEntries = 64

// ParseProxies parses the value of GOPROXY. Entries that the go command does not
// understand are left out.
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
			return append(l, Entry{URL: entry}) // the go command ignores what follows
		}
		if strings.ContainsAny(entry, ".:/") && !strings.Contains(entry, ":/") && entry[0] != '/' {
			entry = "https://" + entry
		}
		u, err := url.Parse(entry)
		if err != nil || u.Scheme == "" {
			continue
		}
		e := Entry{AnyError: anyError, site: site(u), base: strings.TrimSuffix(u.Path, "/")}
		e.URL = u.Scheme + "://" + u.Host + e.base
		l = append(l, e)
	}
	return l
}

// site returns scheme and host of a URL in one spelling.
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

// Parse is the function Parse for a process with this list. at is the entry that
// the request is for, -1 where that is none of them.
func (l Proxies) Parse(rawURL string) (r Request, at int, ok bool) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Request{}, -1, false
	}
	var own []int // entries of the same host, the longest base first
	for i := range l {
		if l[i].site == site(u) && l[i].site != "" {
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

// Next returns what the list has the go command ask after the entry at, which
// failed with a status: the URL of a proxy, Direct, Off, or None.
func (l Proxies) Next(at, status int) string {
	if at+1 == len(l) || !l.goesOn(at, status) {
		return None
	}
	return l[at+1].URL
}

// Barred returns the entry after the entry at that the go command would ask but for
// the "," between them, as that one failed with another status than 404 and 410:
// the URL of a proxy, or Direct; else "". Off asks nobody in any case.
func (l Proxies) Barred(at, status int) string {
	if at+1 == len(l) || l.goesOn(at, status) || l[at+1].URL == Off {
		return ""
	}
	return l[at+1].URL
}

// goesOn reports whether the go command goes on after the entry at, if there is
// anything after it.
func (l Proxies) goesOn(at, status int) bool {
	return l[at].AnyError || status == 404 || status == 410
}
