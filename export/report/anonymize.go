package report

import (
	"bytes"
	"encoding/json"
	"strings"

	"h2trace/export/redact"
	"h2trace/export/scan"
)

// Anonymize has the Builder replace the names in what it reads before it sums that up: hosts,
// addresses, paths and versions of modules, programs, labels, and text of servers. The same
// name has the same replacement in all that is read. It is called before Read.
func (b *Builder) Anonymize() { b.names = newNames() }

// AnonymizeLike does so with the replacements of another Builder.
func (b *Builder) AnonymizeLike(o *Builder) { b.names = o.names }

// hide returns a line of a file without the names in it.
func (b *Builder) hide(line []byte) []byte {
	if b.names == nil {
		return line
	}
	text := bytes.TrimSpace(line)
	switch {
	case len(text) == 0:
		return line
	case text[0] != '{' || len(text) == 1:
		return b.names.logLine([]byte(redact.String(string(line))))
	case nameless(text):
		return line
	}
	return b.names.object(text)
}

// logLine replaces the names in a line that is no object: one of a log of "go -x". What a
// build service wrote before it stays, and the form of commands does.
func (n *names) logLine(line []byte) []byte {
	rest := afterPrefix(line)
	out := bytes.Clone(line[:len(line)-len(rest)])
	if bytes.HasPrefix(rest, xWorkDir) {
		return append(append(out, xWorkDir...), "/name"...)
	}
	if i := bytes.Index(rest, xRunning); i > 0 && bytes.Contains(rest[:i], xCommand) {
		out = append(append(out, n.text(string(rest[:i]))...), xRunning...)
		rest = rest[i+len(xRunning):]
	}
	return append(out, n.text(string(rest))...)
}

// namelessKinds are the events of which the report reads nothing but numbers and words of
// h2trace, as they begin.
var namelessKinds = [...]string{`"frame"`, `"request"`, `"stall"`, `"loss"`, `"verify"`}

func nameless(line []byte) bool {
	head := line[:min(len(line), 128)]
	i := bytes.Index(head, []byte(`"event":`))
	if i < 0 {
		return false
	}
	for _, kind := range namelessKinds {
		if bytes.HasPrefix(head[i+len(`"event":`):], []byte(kind)) {
			return true
		}
	}
	return false
}

// object returns the line of an event without names. A line that is no object is returned
// without all, so that the parser skips it.
func (n *names) object(line []byte) []byte {
	out := make([]byte, 0, len(line)+64)
	if out, ok := n.members(out, "", line); ok {
		return out
	}
	return []byte("{}")
}

// members appends the object of a key.
func (n *names) members(out []byte, of string, object []byte) ([]byte, bool) {
	out = append(out, '{')
	valid := scan.Members(object, func(key, v []byte) {
		if out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		name := string(key)
		if of == "server_timing" && !timings[name] {
			name = n.replace(name, "metric")
		}
		out = append(append(append(out, '"'), name...), `":`...)
		out = n.value(out, of, name, v)
	})
	return append(out, '}'), valid
}

// verbatim are the keys whose values are words of h2trace or of a protocol.
var verbatim = map[string]bool{
	"ts": true, "event": true, "action": true, "start": true, "role": true, "protocol": true, "joined": true, "type": true,
	"class": true, "kind": true, "method": true, "side": true, "state": true, "last": true, "source": true, "rcode": true,
	"conn": true, "cipher": true, "alpn": true, "signal": true, "quic_version": true, "go_version": true, "retry_after": true,
	"cache": true, "offered_alpn": true, "offered_versions": true, "plan": true,
}

// timings are usual names in Server-Timing.
var timings = wordSet("cache cdn-cache cdn edge origin total app db hit miss")

// value appends the value of a key, in the object of another key.
func (n *names) value(out []byte, in, key string, v []byte) []byte {
	switch v[0] {
	case '"':
		if verbatim[key] && in != "labels" {
			return append(out, v...)
		}
		s, _ := json.Marshal(n.keyed(in, key, scan.Text(v))) // a string has no error
		return append(out, s...)
	case '{', '[':
		if n.depth == maxDepth {
			return append(out, "null"...)
		}
		n.depth++
		defer func() { n.depth-- }()
		if v[0] == '[' {
			return n.elements(out, in, key, v)
		}
		begin := len(out)
		if out, ok := n.members(out, key, v); ok {
			return out
		}
		return append(out[:begin], "null"...)
	}
	return append(out, v...)
}

// maxDepth bounds the objects and arrays in each other, of which the report reads three: each
// costs its whole length.
const maxDepth = 8

// elements appends the array of a key.
func (n *names) elements(out []byte, in, key string, array []byte) []byte {
	begin := len(out)
	out = append(out, '[')
	valid := scan.Elements(array, func(v []byte) {
		if out[len(out)-1] != '[' {
			out = append(out, ',')
		}
		out = n.value(out, in, key, v)
	})
	if !valid {
		return append(out[:begin], "null"...)
	}
	return append(out, ']')
}

// keyed returns the text of a key without names.
func (n *names) keyed(in, key, s string) string {
	switch {
	case in == "labels":
		return n.replace(s, "value")
	case in == "plan", in == "tls" && key == "version":
		return s
	case key == "name", key == "sni":
		return n.host(s)
	case key == "version":
		return n.version(s)
	case key == "exe":
		return n.program(s)
	case key == "args":
		return n.argument(s)
	case key == "issuer":
		return n.strict(s)
	case key == "path":
		return n.compound(s)
	case key == "detail":
		return n.text(withoutWords(s))
	}
	return n.text(s)
}

// quoting begins text that a server wrote, in complaints of the go command and of git.
var quoting = []string{"server response:", "remote:"}

// withoutWords leaves out what servers wrote: no rule says what in it is a name.
func withoutWords(detail string) string {
	var b strings.Builder
	for line := range strings.Lines(detail) {
		for _, word := range quoting {
			if before, text, ok := strings.Cut(line, word); ok && strings.TrimSpace(text) != "" {
				line = before + word + " (left out)\n"
			}
		}
		b.WriteString(line)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
