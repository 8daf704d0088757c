package goproxy

import (
	"regexp"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Complaint is what the go command says of something that it could not fetch.
type Complaint struct {
	// Class is one of dns, connect, tls, timeout, reset, goaway, http_4xx,
	// http_5xx, protocol and checksum.
	Class string
	// Path and Version are of the module; Version is empty where no version is
	// named, and both where no module is.
	Path, Version string
	// Detail is the line, without "go: ".
	Detail string
	// URL is that of the request, if one is named.
	URL string
	// AtProxy says that it failed at an HTTP proxy on the way, or on the way
	// to that: no request was made.
	AtProxy bool
}

// ParseComplaints returns what a message of the go command on stderr complains
// of. Lines that tell of no failed fetch give nothing.
func ParseComplaints(message string) []Complaint {
	var list []Complaint
	for line := range strings.Lines(message) {
		line = strings.TrimRight(line, "\r\n")
		rest, ok := strings.CutPrefix(line, "go: ")
		if !ok && !strings.HasPrefix(line, "verifying ") || strings.HasPrefix(rest, "downloading ") {
			continue
		}
		if !ok {
			rest = line
		}
		c := Complaint{Class: classify(rest), Detail: rest, AtProxy: strings.Contains(rest, ": proxyconnect ")}
		c.URL = urlIn.FindString(rest)
		if c.Class == "" && refused.MatchString(rest) {
			c.Class, c.AtProxy = "connect", true
		}
		if c.Class == "" {
			continue
		}
		c.Path, c.Version = subject(rest)
		list = append(list, c)
	}
	return list
}

// classes are told by what package net, crypto/tls, net/http and the go command
// itself write into their errors, the innermost cause first.
var classes = []struct {
	class string
	text  *regexp.Regexp
}{
	{"checksum", regexp.MustCompile(`checksum mismatch|SECURITY ERROR`)},
	{"dns", regexp.MustCompile(`\blookup \S+.*: `)},
	{"tls", regexp.MustCompile(`\btls: |\bx509: |TLS handshake`)},
	{"goaway", regexp.MustCompile(`\bGOAWAY\b`)},
	{"reset", regexp.MustCompile(`stream error: |connection reset by peer|broken pipe|unexpected EOF|: EOF$`)},
	{"connect", regexp.MustCompile(`\bdial tcp\b|\bconnect: `)},
	{"timeout", regexp.MustCompile(`i/o timeout|deadline exceeded|Client\.Timeout|timeout awaiting`)},
	{"http_4xx", regexp.MustCompile(`: 4\d\d [A-Z]`)},
	{"http_5xx", regexp.MustCompile(`: 5\d\d [A-Z]`)},
	{"protocol", regexp.MustCompile(`\bzip: |malformed HTTP|invalid character .* looking for|unexpected end of JSON`)},
}

// urlIn finds the URL of a request, behind which an error says why it failed.
var urlIn = regexp.MustCompile(`https?://[^"\s]*[^"\s:]`)

// refused is how net/http reports that an HTTP proxy does not let a CONNECT
// through: by the reason phrase of its status (RFC 9110 §15.5, §15.6).
var refused = regexp.MustCompile(`"https://[^"]+": (Bad Request|Unauthorized|Forbidden|Not Found|Method Not Allowed|` +
	`Proxy Authentication Required|Request Timeout|Gone|Too Many Requests|Internal Server Error|Not Implemented|` +
	`Bad Gateway|Service Unavailable|Gateway Timeout)$`)

func classify(line string) string {
	for _, c := range classes {
		if c.text.MatchString(line) {
			return c.class
		}
	}
	return ""
}

// subject finds the module that a line speaks of: "path@version: …", "module
// path: …", "verifying path@version: …" or the URL of a request.
func subject(line string) (path, version string) {
	for word := range strings.FieldsSeq(line) {
		word = strings.TrimRight(strings.Trim(word, `"`), `:"`)
		if p, v, ok := strings.Cut(word, "@"); ok && semver.IsValid(v) && module.CheckPath(p) == nil {
			return p, v
		}
		if strings.HasPrefix(word, "http") {
			if r, ok := Parse(word); ok && r.Path != "" {
				return r.Path, r.Version
			}
		}
	}
	if rest, ok := strings.CutPrefix(line, "module "); ok {
		if p, _, ok := strings.Cut(rest, ":"); ok && module.CheckPath(p) == nil {
			return p, ""
		}
	}
	return "", ""
}
