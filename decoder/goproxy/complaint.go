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
	// Detail is the line, without "go: ", or the place of an import.
	Detail string
	// URL is that of the request, if one is named.
	URL string
	// AtProxy says that it failed at an HTTP proxy on the way, or on the way
	// to that: no request was made.
	AtProxy bool
	// OfSumDB says that a checksum is not what a checksum database says.
	OfSumDB bool
}

// ParseComplaints returns what a message on stderr of a go command with that
// GOPROXY complains of. Lines that tell of no failed fetch give nothing.
func ParseComplaints(message string, proxies Proxies) []Complaint {
	var list []Complaint
	for line := range strings.Lines(message) {
		line = strings.TrimRight(line, "\r\n")
		if m := compared.FindStringSubmatch(line); m != nil && len(list) > 0 {
			last := &list[len(list)-1]
			last.OfSumDB = last.Class == "checksum" && m[1] != "downloaded" && !strings.HasSuffix(m[1], ".sum")
		}
		rest, ok := strip(line)
		if !ok || strings.HasPrefix(rest, "downloading ") {
			continue
		}
		c := Complaint{Class: classify(rest), Detail: rest, AtProxy: strings.Contains(rest, ": proxyconnect ")}
		c.URL = urlIn.FindString(rest)
		if c.Class == "" && refused.MatchString(rest) {
			c.Class, c.AtProxy = "connect", true
		}
		if c.Class == "" {
			continue
		}
		c.Path, c.Version = subject(rest, proxies)
		list = append(list, c)
	}
	return list
}

// imported is what a go command has in front of what went wrong with a package:
// where it is imported, or its path below "go: … imports"; and fetching of a
// module is what follows then. Compilers name places too.
var (
	imported = regexp.MustCompile(`^(?:\S.*\.go:\d+:\d+|\t\S+): `)
	fetching = regexp.MustCompile(`^(?:module \S+|[^\s@]+@v[^\s:]+): `)
)

// strip returns a line without what is in front of a message of the go command,
// and false for one that is of something else.
func strip(line string) (rest string, ok bool) {
	if rest, ok := strings.CutPrefix(line, "go: "); ok {
		return rest, true
	}
	if front := imported.FindString(line); front != "" {
		rest := line[len(front):]
		return rest, fetching.MatchString(rest)
	}
	return line, strings.HasPrefix(line, "verifying ")
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

// compared is a line behind a complaint of a checksum: where it has it from, as
// in "downloaded", "go.sum" or the name of a checksum database.
var compared = regexp.MustCompile(`^\t(\S+): +h1:`)

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
func subject(line string, proxies Proxies) (path, version string) {
	for word := range strings.FieldsSeq(line) {
		word = strings.TrimRight(strings.Trim(word, `"`), `:"`)
		p, v, ok := strings.Cut(word, "@")
		if v = strings.TrimSuffix(v, "/go.mod"); ok && semver.IsValid(v) && module.CheckPath(p) == nil {
			return p, v
		}
		if strings.HasPrefix(word, "http") {
			if r, _, ok := proxies.Parse(word); ok && r.Path != "" {
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
