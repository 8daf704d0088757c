package goproxy

import (
	"fmt"
	"strings"

	"golang.org/x/mod/module"
)

// Complaint is an error message of the go command.
type Complaint struct {
	// Class is one of dns, connect, tls, timeout, reset, goaway, http_4xx,
	// http_5xx, protocol, checksum, vcs, unavailable, toolchain and other.
	Class string
	// Path and Version name the module. Version is empty if the message names no
	// version, and both are empty if it names no module.
	Path, Version string
	// Package is the package that the go command looks for in modules, or empty.
	Package string
	// Detail is the line without "go: " or the position of an import, and the
	// lines that belong to it.
	Detail string
	// URL is the URL of the request, or empty if the message names none.
	URL string
	// Command is the command line of a version control system, or empty.
	Command string
	// AtProxy says that the HTTP proxy refused, or was not reached. The go command
	// made no request but a CONNECT.
	AtProxy bool
	// OfSumDB says that a checksum differs from that of a checksum database.
	OfSumDB bool
}

// ClassOther is the class of all other complaints; these may not concern fetching.
const ClassOther = "other"

// ParseComplaints returns the complaints in a message that a go command with that
// GOPROXY wrote to stderr. It ignores progress, warnings, and the output of compilers
// and tests.
func ParseComplaints(message string, proxies Proxies) []Complaint {
	var list []Complaint
	for _, s := range statements(message) {
		c := Complaint{Class: s.class(), Detail: s.detail(), AtProxy: strings.Contains(s.head, ": proxyconnect ")}
		if refused().MatchString(s.head) {
			c.Class, c.AtProxy = "connect", true
		}
		if at := urlIn().FindStringIndex(s.head); at != nil && !strings.HasSuffix(s.head[:at[0]], `from proxy "`) {
			c.URL = s.head[at[0]:at[1]]
		}
		if m := commandIn().FindStringSubmatch(s.head); m != nil && c.Class == "vcs" {
			c.Command = m[1]
		}
		if m := providing().FindStringSubmatch(s.head); m != nil {
			c.Package = m[1]
		}
		for _, line := range s.more {
			if m := compared().FindStringSubmatch(line); m != nil {
				c.OfSumDB = c.Class == "checksum" && m[1] != "downloaded" && !strings.HasSuffix(m[1], ".sum")
			}
		}
		c.Path, c.Version = subject(s.head, proxies)
		list = append(list, c)
	}
	return list
}

var (
	// compared matches a line after a checksum complaint. It names the source of a
	// checksum: "downloaded", "go.sum" or a checksum database.
	compared = lazily(`^\t(\S+): +h1:`)
	// urlIn finds the URL of a request, after which an error says why it failed.
	urlIn = lazily(`https?://[^"\s]*[^"\s:]`)
	// commandIn finds the command line of a version control system, and its directory.
	commandIn = lazily(`(?:^|: )((?:git|hg|svn|bzr|fossil) .*) in .*?: `)
	providing = lazily(`\bproviding package (\S+?)(?::|$)`)
	// fetched finds the toolchain that a go command runs instead of itself.
	fetched = lazily(`^download (go\S+) for (\w+)/(\w+): `)
)

// subject returns the module that a line names: "path@version: …", "module path: …",
// "verifying path@version: …" or the URL of a request. If one module requires
// another, it returns the required one.
func subject(line string, proxies Proxies) (path, version string) {
	if m := fetched().FindStringSubmatch(line); m != nil {
		return "golang.org/toolchain", fmt.Sprintf("v0.0.1-%s.%s-%s", m[1], m[2], m[3])
	}
	if i := strings.LastIndex(line, " requires "); i >= 0 && strings.Contains(line[i:], "@") {
		line = line[i:]
	}
	for word := range strings.FieldsSeq(line) {
		word = strings.TrimRight(strings.Trim(word, `"`), `:"`)
		if p, v, ok := strings.Cut(word, "@"); ok && v != "" && module.CheckPath(p) == nil {
			if v = strings.TrimSuffix(v, "/go.mod"); module.CanonicalVersion(v) != v {
				v = "" // a query, such as latest
			}
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
