package goproxy

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
)

// Complaint is what the go command says of something that it could not do.
type Complaint struct {
	// Class is one of dns, connect, tls, timeout, reset, goaway, http_4xx,
	// http_5xx, protocol, checksum, vcs, unavailable, toolchain and other.
	Class string
	// Path and Version are of the module; Version is empty where no version is
	// named, and both where no module is.
	Path, Version string
	// Package is what is looked for in modules that may have it, or empty.
	Package string
	// Detail is the line, without "go: ", or the place of an import, and the
	// lines that belong to it.
	Detail string
	// URL is that of the request, if one is named.
	URL string
	// Command is what a version control system was run with, if one is named.
	Command string
	// AtProxy says that it failed at an HTTP proxy on the way, or on the way
	// to that: no request but a CONNECT was made.
	AtProxy bool
	// OfSumDB says that a checksum is not what a checksum database says.
	OfSumDB bool
}

// ClassOther is of complaints that are of nothing else, and of fetching maybe not.
const ClassOther = "other"

// ParseComplaints returns what a message on stderr of a go command with that
// GOPROXY complains of. Progress, warnings, and what the go command passes on of
// compilers and tests give nothing.
func ParseComplaints(message string, proxies Proxies) []Complaint {
	var list []Complaint
	for _, s := range statements(message) {
		c := Complaint{Class: s.class(), Detail: s.detail(), AtProxy: strings.Contains(s.head, ": proxyconnect ")}
		if refused.MatchString(s.head) {
			c.Class, c.AtProxy = "connect", true
		}
		if at := urlIn.FindStringIndex(s.head); at != nil && !strings.HasSuffix(s.head[:at[0]], `from proxy "`) {
			c.URL = s.head[at[0]:at[1]]
		}
		if m := commandIn.FindStringSubmatch(s.head); m != nil && c.Class == "vcs" {
			c.Command = m[1]
		}
		if m := providing.FindStringSubmatch(s.head); m != nil {
			c.Package = m[1]
		}
		for _, line := range s.more {
			if m := compared.FindStringSubmatch(line); m != nil {
				c.OfSumDB = c.Class == "checksum" && m[1] != "downloaded" && !strings.HasSuffix(m[1], ".sum")
			}
		}
		c.Path, c.Version = subject(s.head, proxies)
		list = append(list, c)
	}
	return list
}

var (
	// compared is a line after a complaint of a checksum: where it has it from, as
	// in "downloaded", "go.sum" or the name of a checksum database.
	compared = regexp.MustCompile(`^\t(\S+): +h1:`)
	// urlIn finds the URL of a request, after which an error says why it failed.
	urlIn = regexp.MustCompile(`https?://[^"\s]*[^"\s:]`)
	// commandIn finds what a version control system was run with, and where.
	commandIn = regexp.MustCompile(`(?:^|: )((?:git|hg|svn|bzr|fossil) .*) in .*?: `)
	providing = regexp.MustCompile(`\bproviding package (\S+?)(?::|$)`)
	// fetched is the toolchain that a go command is to run instead of itself.
	fetched = regexp.MustCompile(`^download (go\S+) for (\w+)/(\w+): `)
)

// subject finds the module that a line speaks of: "path@version: …", "module
// path: …", "verifying path@version: …" or the URL of a request. Of two modules
// one of which requires the other it is that other one.
func subject(line string, proxies Proxies) (path, version string) {
	if m := fetched.FindStringSubmatch(line); m != nil {
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
