package goproxy

import (
	"net/url"
	"strconv"
	"strings"
)

// streamIn finds the stream in an error of net/http.
var streamIn = lazily(`stream ID (\d+);`)

// IsOf reports whether a complaint is about an exchange that failed.
func (c *Complaint) IsOf(one *Fetch) bool {
	switch {
	case c.Class == "vcs":
		return false
	case c.AtProxy:
		return one.Connect && one.Failed && isFor(one.URL, c.URL)
	case one.Connect:
		return false
	case c.URL != "":
		return one.Failed && sameURL(c.URL, one.URL)
	case c.Package != "":
		return one.Failed && (one.Path == c.Package || one.Path != "" && strings.HasPrefix(c.Package, one.Path+"/"))
	case c.Path == "" || c.Path != one.Path || c.Version != one.Version && (c.Version != "" || c.Class != "unavailable"):
		return false
	}
	found := !one.Failed && one.Status == 200
	switch c.Class {
	case "checksum":
		return found && (one.Kind == c.verified() || one.Kind == SumDBLookup && c.OfSumDB)
	case "protocol":
		return found && (one.Kind == Zip) != strings.Contains(c.Detail, "invalid response from proxy")
	case "toolchain":
		if strings.Contains(c.Detail, " requires go") {
			return found && one.Kind == Mod
		}
		return one.Failed
	case ClassOther:
		return found && one.Kind == Mod && strings.Contains(c.Detail, "go.mod")
	}
	if m := streamIn().FindStringSubmatch(c.Detail); m != nil {
		return m[1] == strconv.FormatUint(uint64(one.Stream), 10)
	}
	answered := c.Class == "http_4xx" || c.Class == "http_5xx" || c.Class == "unavailable"
	return one.Failed && answered == (one.Status >= 400)
}

// mayBeOf reports whether a complaint may be about an exchange that shows no failure.
// Some Go releases leave out the URL, or a part of it.
func (c *Complaint) mayBeOf(one *Fetch) bool {
	switch {
	case c.AtProxy || one.Connect || c.Class == "vcs":
		return false
	case c.URL != "":
		return (one.Redirect != "" || !strings.HasPrefix(c.Class, "http_")) && sameURL(c.URL, one.URL)
	case c.Path == "" || c.Path != one.Path || c.Version != one.Version || one.Kind.OfSumDB():
		return false
	case c.Class == "reset" || c.Class == "protocol":
		i := strings.LastIndex(one.URL, "/")
		return !strings.Contains(c.Detail, "/@v/") || strings.Contains(c.Detail, "/@v"+one.URL[i:]+`"`)
	}
	return false
}

// Settle gives a complaint the class of its exchange, if its text is ambiguous: the
// sender may have cut a body that ends early.
func (c *Complaint) Settle(of []Fetch) {
	if c.Class != "reset" || !endsEarly().MatchString(c.Detail) || len(of) == 0 {
		return
	}
	switch one := &of[len(of)-1]; {
	case !one.Failed:
		c.Class = "protocol"
	case one.Class != "":
		c.Class = one.Class
	}
}

var endsEarly = lazily(`(?:unexpected|:) EOF$`)

// verified returns the content that a checksum covers: go.mod, or the whole module.
func (c *Complaint) verified() Kind {
	if strings.Contains(c.Detail, "verifying go.mod") || strings.Contains(c.Detail, "@"+c.Version+"/go.mod") {
		return Mod
	}
	return Zip
}

// IsPage reports whether a URL requests the page that names the repository of a
// module (https://go.dev/ref/mod#vcs-find).
func IsPage(rawURL string) bool {
	_, query, _ := strings.Cut(rawURL, "?")
	return query == "go-get=1" || strings.HasSuffix(query, "&go-get=1")
}

// isFor reports whether a CONNECT asks for the authority of a URL.
func isFor(authority, rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	return authority == u.Host || authority == u.Host+":443" || authority == u.Host+":80"
}

// sameURL compares URLs and ignores credentials.
func sameURL(a, b string) bool {
	if a == b {
		return true
	}
	x, err := url.Parse(a)
	if err != nil {
		return false
	}
	y, err := url.Parse(b)
	if err != nil {
		return false
	}
	return site(x) == site(y) && pathOf(x) == pathOf(y) && x.RawQuery == y.RawQuery
}
