package goproxy

import (
	"regexp"
	"strings"
	"sync"
)

// statement is one of the complaints in a message.
type statement struct {
	head string   // the error, without its prefixes
	more []string // the lines that belong to it
}

func (s *statement) detail() string { return strings.Join(append([]string{s.head}, s.more...), "\n") }

// statements splits a message. Indented lines belong to the line before them, and so
// do the lines after one that ends in a colon.
func statements(message string) []statement {
	var list []statement
	lines := strings.Split(message, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], "\r")
	}
	for len(lines) > 0 {
		n, open := 1, openEnded().MatchString(lines[0])
		for n < len(lines) && lines[n] != "" && (isIndented(lines[n]) || open && !strings.HasPrefix(lines[n], "go: ")) {
			n++
		}
		if s, ok := stated(lines[:n]); ok {
			list = append(list, s)
		}
		lines = lines[n:]
	}
	return list
}

// lazily compiles a regular expression when it is first used: few runs have a use for
// these, and all of them together take a millisecond.
func lazily(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

func isIndented(line string) bool { return line[0] == '\t' || line[0] == ' ' }

// The beginnings of a complaint of the go command, after an optional "go: ".
var (
	openEnded = lazily(`^go: .*:$`)
	// chain matches a line before a package or module: the one that requires it.
	chain = lazily(` (?:imports|requires|tested by)$`)
	// placed matches the position of an import. Compilers print positions too.
	placed  = lazily(`^\S.*\.go:\d+:\d+: `)
	pkgPath = lazily(`^\S+: `)
	// own matches messages that only the go command prints.
	own = lazily(`^(?:module \S+: |[^\s@]+@v[^\s:]+: |no required module provides package |` +
		`cannot find module providing package |missing go\.sum entry |import lookup disabled |ambiguous import: |` +
		`package \S+ is not in (?:std|GOROOT) )`)
	ownBare = lazily(`^(?:verifying \S+@|go [\w ]+: unknown command|flag provided but not defined: )`)
	// progress matches messages that report no failure.
	progress = lazily(`^(?:downloading|extracting|finding|found|added|removed|upgraded|downgraded|creating new|` +
		`copying requirements|dropping|ignoring|accepting|trying|using|switching from|upgrading toolchain|default toolchain|` +
		`read full|writing (?:stat|go\.mod) cache:|not formatting|not generating|no dependencies to|no module dependencies to|` +
		`to add module|to switch to|toolchain upgrade needed|module \S+ is deprecated:|-\w+ flag is) |` +
		`^(?:warning|note): |; switching to `)
)

// stated parses a line and the lines that belong to it. It returns false for a message
// that is no complaint of the go command.
func stated(lines []string) (s statement, ok bool) {
	rest, byGo := strings.CutPrefix(lines[0], "go: ")
	if byGo && progress().MatchString(rest) {
		return s, false
	}
	links := 0
	for links+1 < len(lines) && chain().MatchString(lines[links]) {
		links++
	}
	s.more = lines[links+1:]
	switch {
	case links > 0:
		s.head = strings.TrimSpace(lines[links])
		if !strings.HasSuffix(lines[links-1], " requires") {
			s.head = s.head[len(pkgPath().FindString(s.head)):]
		}
		return s, byGo || own().MatchString(s.head)
	case byGo:
		s.head = rest
		return s, rest != ""
	}
	s.head = lines[0][len(placed().FindString(lines[0])):]
	return s, own().MatchString(s.head) || ownBare().MatchString(s.head)
}

// classes maps the error texts of net, crypto/tls, net/http and the go command to
// classes, the innermost cause first.
var classes = []struct {
	class string
	text  func() *regexp.Regexp
}{
	{"checksum", lazily(`checksum mismatch|checksum missing from sumdb|SECURITY ERROR`)},
	{"vcs", lazily(`(?:^|: )(?:git|hg|svn|bzr|fossil) .* in .*: (?:exit status|signal: |exec: |fork)|^missing \S+ command\.|` +
		`GOVCS disallows|no (?:secure )?protocol found for repository`)},
	{"toolchain", lazily(`requires go ?(?:>= )?1|toolchain not available|invalid go version|invalid toolchain`)},
	{ClassOther, lazily(`lookup disabled by -mod=`)},
	{"dns", lazily(`\blookup \S+.*: `)},
	{"protocol", lazily(`gave HTTP response to HTTPS client|declared Content-Length`)},
	{"tls", lazily(`\btls: |\bx509: |TLS handshake`)},
	{"goaway", lazily(`\bGOAWAY\b`)},
	{"reset", lazily(`stream error: |connection reset by peer|broken pipe|unexpected EOF|: EOF$`)},
	{"connect", lazily(`\bdial tcp\b|\bconnect: `)},
	{"timeout", lazily(`i/o timeout|deadline exceeded|Client\.Timeout|timeout awaiting`)},
	{"http_4xx", lazily(`: 4\d\d(?: [A-Z]|\s*$)`)},
	{"http_5xx", lazily(`: 5\d\d(?: [A-Z]|\s*$)`)},
	{"protocol", lazily(`\bzip: |\bzip for \S+ has |malformed HTTP|invalid response from proxy|` +
		`invalid character .* looking for|unexpected end of JSON|proxy returned info for`)},
	{"unavailable", lazily(`module lookup disabled by GOPROXY|no matching versions|unknown revision|` +
		`cannot find module providing|does not contain package|disallowed|unrecognized import path`)},
}

// class decides by the first line, or by all lines if that ends in a colon. It ignores
// the words of a server or another program.
func (s *statement) class() string {
	text := s.head
	if strings.HasSuffix(text, ":") {
		text = s.detail()
	}
	for _, c := range classes {
		if c.text().MatchString(text) {
			return c.class
		}
	}
	return ClassOther
}

// refused matches the error of net/http for a CONNECT that an HTTP proxy refuses: the
// reason phrase of its status (RFC 9110 §15.5, §15.6).
var refused = lazily(`"https://[^"]+": (Bad Request|Unauthorized|Forbidden|Not Found|Method Not Allowed|` +
	`Proxy Authentication Required|Request Timeout|Gone|Too Many Requests|Internal Server Error|Not Implemented|` +
	`Bad Gateway|Service Unavailable|Gateway Timeout)$`)
