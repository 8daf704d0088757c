package report

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// names replaces names, each by the same name always.
type names struct {
	replaced  map[string]string // by name
	count     map[string]int    // by kind of name
	addresses map[netip.Addr]netip.Addr
	depth     int // of the value
}

func newNames() *names {
	return &names{replaced: make(map[string]string), count: make(map[string]int), addresses: make(map[netip.Addr]netip.Addr)}
}

// maxReplaced bounds the names that have replacements of their own. All others have one.
const maxReplaced = 1 << 17

// replace returns the replacement of a name, of a kind if it is new.
func (n *names) replace(name, kind string) string {
	if r, ok := n.replaced[name]; ok {
		return r
	}
	if len(n.replaced) == maxReplaced {
		return kind
	}
	n.count[kind]++
	r := fmt.Sprintf("%s%d", kind, n.count[kind])
	if kind == "host" {
		r += ".example"
	}
	n.replaced[name] = r
	return r
}

// The characters that end a name in text, and those that separate the parts of one.
const (
	breaks = " \t\r\n\"'`()[]{}<>,;|…"
	joints = "/:@=?&#\\"
)

// text returns text without names. Words that are part of no name stay.
func (n *names) text(s string) string { return n.each(s, n.word) }

// strict returns text of which all words are names.
func (n *names) strict(s string) string {
	return n.each(s, func(word string) string {
		if attribute, value, ok := strings.Cut(word, "="); ok { // as in CN=x (RFC 4514)
			return attribute + "=" + n.replace(value, "name")
		}
		return n.replace(word, "name")
	})
}

// each replaces the words in a text.
func (n *names) each(s string, word func(string) string) string {
	var b strings.Builder
	for len(s) > 0 {
		end := strings.IndexAny(s, breaks)
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			b.WriteString(n.bracketless(s[:end], word))
			s = s[end:]
			continue
		}
		if ip, rest, ok := bracketed(s); ok {
			b.WriteString("[" + n.address(ip).String() + "]")
			s = rest
			continue
		}
		_, size := utf8.DecodeRuneInString(s)
		b.WriteString(s[:size])
		s = s[size:]
	}
	return b.String()
}

// bracketed returns the address of IPv6 in brackets with which a text begins.
func bracketed(s string) (ip netip.Addr, rest string, ok bool) {
	inside, rest, ok := strings.Cut(s, "]")
	inside, begins := strings.CutPrefix(inside, "[")
	if !ok || !begins {
		return ip, "", false
	}
	ip, err := netip.ParseAddr(inside)
	return ip, rest, err == nil
}

// bracketless replaces a word without the punctuation at its end.
func (n *names) bracketless(s string, word func(string) string) string {
	core := strings.TrimRight(s, ".:!?-")
	if core == "" {
		return s
	}
	return word(core) + s[len(core):]
}

var (
	// plainWord is a word of a language, or a flag.
	plainWord = regexp.MustCompile(`^-*[A-Za-z]+(-[A-Za-z]+)*$`)
	// amount is a number or a time.
	amount = regexp.MustCompile(`^[-+]?(\d{1,6}(\.\d+)?(ns|µs|ms|s|m|h|%|B|kB|MB)?)+$`)
	// versionForm is a version of a module, of a release or with the name of a pre-release.
	versionForm = regexp.MustCompile(`^(v\d+(?:\.\d+){0,2})(-[0-9A-Za-z.-]+)?(\+incompatible)?$`)
	// commonRelease is the name of a pre-release that says nothing.
	commonRelease = regexp.MustCompile(`^-(alpha|beta|rc|pre|dev)?[.\d-]*$`)
	// tilePart is a part of the path of a tile of a checksum database.
	tilePart = regexp.MustCompile(`^(x?\d{1,6}|\d{3}\.p)$`)
)

// lookalikes are words that look like names, and are none.
var lookalikes = wordSet(`net/http http/1.1 http/2 HTTP/1.1 HTTP/1.0 HTTP/2 HTTP/2.0 HTTP/3 h2 h2c http2 x509 i/o crypto/tls go.mod go.sum go.work go-get=1
?go-get=1 read/write TLS/SSL h1 SHA256 SHA-256 utf-8 UTF-8 IPv4 IPv6 h2trace localhost direct off none`)

// common are words of messages, which stay also if they are part of a name.
var common = wordSet(`go git http https net proxy server module modules version versions error errors not found no such host lookup dial tcp udp read
write get reading verifying timeout connection refused reset by peer unknown revision authority certificate signed invalid mod zip info list latest
sum database the a an of to on in is for and or from with this that but it its are was has have be at as status exit command code file path name
names test text tools api app lib core common client service services internal main master origin com org dev io example`)

// structure are the parts of paths that name nothing: of proxies and checksum databases
// (https://go.dev/ref/mod#goproxy-protocol).
var structure = wordSet(`v list latest info mod zip ziphash lock sumdb lookup tile supported data http https ssh git file tcp socks5 go-get redacted h1
direct off none localhost`)

// programs are widely used programs.
var programs = wordSet(`go gofmt gopls git hg svn bzr fossil sh bash zsh dash make ssh curl wget env sudo gcc cc clang ld as compile link asm cgo vet
cover buildid pack dlv docker git-remote-https git-remote-http python3 node npm`)

// gitWords are subcommands and names in arguments of version control systems.
var gitWords = wordSet(`git hg svn bzr fossil ls-remote fetch clone pull init config remote add log show rev-parse rev-list tag cat-file archive
for-each-ref origin HEAD branch checkout status describe merge-base -c -q -C -n -f identify id paths export info -r`)

func wordSet(list string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// word replaces a word of a text.
func (n *names) word(s string) string {
	if lookalikes[s] || amount.MatchString(s) {
		return s
	}
	if plainWord.MatchString(s) {
		if r, ok := n.replaced[s]; ok && !common[strings.ToLower(s)] {
			return r
		}
		return s
	}
	return n.compound(s)
}

// compound replaces the parts of a URL, a path, an address or another name.
func (n *names) compound(s string) string {
	if r, ok := n.addressed(s); ok {
		return r
	}
	if plain, err := url.PathUnescape(s); err == nil && strings.Contains(s, "%") {
		s = plain
	}
	if versionForm.MatchString(s) {
		return n.version(s)
	}
	var b strings.Builder
	rest := s
	if scheme, after, ok := strings.Cut(s, "://"); ok && structure[scheme] {
		authority := after
		if i := strings.IndexAny(after, "/?#"); i >= 0 {
			authority, rest = after[:i], after[i:]
		} else {
			rest = ""
		}
		b.WriteString(scheme + "://")
		if user, host, ok := strings.Cut(authority, "@"); ok {
			b.WriteString(n.part(user) + "@")
			authority = host
		}
		b.WriteString(n.authority(authority))
	}
	for len(rest) > 0 {
		i := strings.IndexAny(rest, joints)
		if i < 0 {
			i = len(rest)
		}
		b.WriteString(n.part(rest[:i]))
		if i < len(rest) {
			b.WriteByte(rest[i])
			i++
		}
		rest = rest[i:]
	}
	return b.String()
}

// authority replaces a host, with a port or without one.
func (n *names) authority(s string) string {
	if r, ok := n.addressed(s); ok {
		return r
	}
	if host, port, ok := cutLast(s, ":"); ok && amount.MatchString(port) {
		return n.host(host) + ":" + port
	}
	return n.host(s)
}

// host replaces the name of a host, and remembers its labels.
func (n *names) host(s string) string {
	if r, ok := n.addressed(s); ok {
		return r
	}
	name := strings.ToLower(strings.TrimSuffix(s, "."))
	if name == "" || structure[name] {
		return s
	}
	if _, ok := n.replaced[name]; !ok {
		for label := range strings.SplitSeq(name, ".") {
			if len(label) > 2 && label != name && !common[label] {
				n.replace(label, "name")
			}
		}
	}
	return n.replace(name, "host")
}

// part replaces a part of a compound.
func (n *names) part(s string) string {
	if s == "" || structure[s] || tilePart.MatchString(s) {
		return s
	}
	if strings.Contains(s, "!") { // https://go.dev/ref/mod#goproxy-protocol
		s = unescapePath(s)
	}
	suffix := ""
	for _, ext := range [...]string{".info", ".mod", ".zip", ".ziphash", ".git"} {
		if base, ok := strings.CutSuffix(s, ext); ok && base != "" {
			s, suffix = base, ext
		}
	}
	switch {
	case versionForm.MatchString(s):
		return n.version(s) + suffix
	case strings.Contains(s, ".") && !strings.HasPrefix(s, "."):
		return n.host(s) + suffix
	}
	return n.replace(s, "name") + suffix
}

// unescapePath undoes the escaping of upper-case letters in paths of modules.
func unescapePath(s string) string {
	var b strings.Builder
	upper := false
	for _, r := range s {
		switch {
		case r == '!' && !upper:
			upper = true
			continue
		case upper && r >= 'a' && r <= 'z':
			r += 'A' - 'a'
		}
		upper = false
		b.WriteRune(r)
	}
	return b.String()
}

// version replaces the parts of a version that may name something: a commit and its time, or
// the name of a pre-release.
func (n *names) version(s string) string {
	m := versionForm.FindStringSubmatch(s)
	switch {
	case s == "" || structure[s]:
		return s
	case m == nil:
		return n.replace(s, "name")
	case m[2] == "" || commonRelease.MatchString(m[2]) && len(m[2]) < 10:
		return s
	}
	if _, ok := n.replaced[s]; !ok && len(n.replaced) < maxReplaced {
		n.count["commit"]++
		n.replaced[s] = fmt.Sprintf("%s-00010101000000-%012d%s", m[1], n.count["commit"], m[3])
	}
	if r, ok := n.replaced[s]; ok {
		return r
	}
	return m[1]
}

// program replaces the path of a program by its base name.
func (n *names) program(s string) string {
	base := s[strings.LastIndexByte(s, '/')+1:]
	if base == "" || programs[base] {
		return base
	}
	return n.replace(base, "program")
}

// argument replaces an argument of a version control system.
func (n *names) argument(s string) string {
	if gitWords[s] {
		return s
	}
	if strings.ContainsAny(s, breaks) {
		return n.strict(s)
	}
	if plainWord.MatchString(s) {
		return n.replace(s, "name")
	}
	return n.word(s)
}

// addressed replaces an address, with a port or without one.
func (n *names) addressed(s string) (string, bool) {
	if ip, err := netip.ParseAddr(s); err == nil {
		return n.address(ip).String(), true
	}
	if at, err := netip.ParseAddrPort(s); err == nil {
		return netip.AddrPortFrom(n.address(at.Addr()), at.Port()).String(), true
	}
	return "", false
}

// address replaces an address by one of the same scope: of a private network, of a link, or
// else of those for benchmarks (RFC 2544) or documentation (RFC 3849). Those of the machine
// itself stay.
func (n *names) address(ip netip.Addr) netip.Addr {
	ip = ip.WithZone("")
	if ip.IsLoopback() || ip.IsUnspecified() {
		return ip
	}
	if r, ok := n.addresses[ip]; ok {
		return r
	}
	i := len(n.addresses) + 1
	begin := [...]byte{0x20, 0x01, 0x0d, 0xb8}
	four := [...]byte{198, 18 + byte(i>>16)&1}
	switch {
	case ip.IsPrivate(), shared.Contains(ip.Unmap()):
		begin, four = [...]byte{0xfd, 0, 0, 0}, [...]byte{10, 255}
	case ip.IsLinkLocalUnicast():
		begin, four = [...]byte{0xfe, 0x80, 0, 0}, [...]byte{169, 254}
	}
	r := netip.AddrFrom4([4]byte{four[0], four[1], byte(i >> 8), byte(i)})
	if ip.Is6() && !ip.Is4In6() {
		r = netip.AddrFrom16([16]byte{begin[0], begin[1], begin[2], begin[3], 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
	}
	if i < maxReplaced {
		n.addresses[ip] = r
	}
	return r
}
