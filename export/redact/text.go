package redact

import (
	"strings"
	"unsafe"
)

// Text removes secrets from any text: a path with a query, a URL, a Link or Refresh header, a
// message that quotes one. It returns the text without them, or false if there were none.
//
// Percent-encoding does not hide a secret. Names are compared decoded. A URL inside a
// parameter of another URL, whose delimiters are encoded, is searched like the outer one.
// Every character has a level: the number of times it was encoded. A value that begins at
// a level ends at a delimiter of the same or a lower level. A "%26" inside an outer value
// is part of that value, and ends only a value nested in it.
func (r *Redactor) Text(s string) ([]byte, bool) {
	i := firstOther(s)
	if i == len(s) {
		return nil, false
	}
	r.begin()
	t := text{r: r, s: s}
	for i < len(s) {
		switch kinds[s[i]] {
		case plain:
			i++
		case mark:
			i = t.mark(i)
		default:
			i = t.delimiter(i)
		}
	}
	if t.done == 0 {
		return nil, false
	}
	r.out = append(r.out, s[t.done:]...)
	return r.out, true
}

// mark takes a byte by which a token is looked for, and returns where to go on.
func (t *text) mark(i int) int {
	if !mayBegin(t.s, i) {
		return i + 1
	}
	if from, to := t.shapes.at(t.s, t.done, t.word, i); from < to {
		return t.hide(from, to)
	}
	return i + 1
}

// firstOther returns the index of the first byte that may have a part in a secret.
func firstOther(s string) int {
	for i := range len(s) {
		if k := kinds[s[i]]; k == other || k == mark && mayBegin(s, i) {
			return i
		}
	}
	return len(s)
}

// Bytes is Text for bytes.
func (r *Redactor) Bytes(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	return r.Text(unsafe.String(&b[0], len(b))) // which keeps no part of it
}

// The kinds of bytes.
const (
	plain = iota // part of a name
	mark         // part of a name, and a shape is looked for by it
	other        // a delimiter, or "%"
)

var kinds = func() (t [256]uint8) {
	for c := range t {
		switch {
		case marked[c] != nil:
			t[c] = mark
		case !isNameByte(byte(c)) || c == '%':
			t[c] = other
		}
	}
	return t
}()

// text is the state of a search.
type text struct {
	r *Redactor
	s string

	done   int // s[:done] is in r.out
	shapes shapeFinder
	open   closers

	word    int  // where the name begins that is being read
	prev    byte // the delimiter before it; 0 at the beginning, and after a secret
	slashes int  // how many are before it, in a row
	scheme  span // the name before the last ":"

	spoken span // the name before quotes and spaces, of "token" : …
	quoted bool // there were quotes

	user  int // where a "user:password@" would begin
	colon int // of it, or 0
	noAt  int // before it, no "@" has a host
}

// span is a part of the text. from == to if it is none.
type span struct{ from, to int }

// hide replaces s[from:to] and returns to. What follows is read as after a delimiter.
func (t *text) hide(from, to int) int {
	t.r.out = append(append(t.r.out, t.s[t.done:from]...), Mark...)
	t.done = to
	t.forget(to)
	return to
}

// forget begins anew at s[i:].
func (t *text) forget(i int) {
	t.word, t.prev, t.slashes, t.scheme = i, 0, 0, span{}
	t.spoken, t.quoted = span{}, false
	t.user, t.colon = i, 0
}

// delimiter takes the character at s[i:], which may end a name, and returns where to go on.
func (t *text) delimiter(i int) int {
	c := char{t.s[i], 0, 1}
	switch c.b {
	case '%':
		if c = decodeChar(t.s, i); isNameByte(c.b) {
			return i + c.width
		}
	case '<':
		if strings.HasPrefix(t.s[i:], Mark) {
			t.forget(i + len(Mark))
			return t.word
		}
	}
	next := i + c.width
	name := span{t.word, i}
	if name.from < name.to {
		t.spoken, t.quoted = span{}, false
	} else {
		name = t.spoken
	}
	if from, to := t.secret(c, i, next, name); from < to {
		if from > next && t.s[from-1] == '"' {
			t.open.see(char{b: '"'})
		}
		return t.hide(from, to)
	}
	t.pass(c, i, name)
	t.word, t.prev = next, c.b
	return next
}

// pass takes a delimiter that has no part in a secret.
func (t *text) pass(c char, i int, name span) {
	if c.b == '/' {
		t.spoken, t.quoted = span{}, false
		return
	}
	t.open.see(c)
	switch quote := quoteWidth(t.s, i) > 0; {
	case quote || c.b == ' ' || c.b == '\t':
		t.spoken, t.quoted = name, t.quoted || quote
	default:
		t.spoken, t.quoted = span{}, false
	}
	if c.b != '\\' {
		t.slashes = 0
	}
}

// secret returns the secret that the delimiter c at s[i:] announces or ends.
func (t *text) secret(c char, i, next int, name span) (from, to int) {
	switch {
	case c.b == '=':
		if t.colon == 0 {
			t.user = next
		}
		return t.assigned(c, next, name)
	case c.b == ':':
		if t.colon == 0 && i > t.user {
			t.colon = i
		}
		t.scheme = name
		return t.said(c, next, name)
	case c.b == '@':
		from, to = t.userBefore(i, next)
	case isSlash(c.b):
		from, to = t.slash(c, i, next)
	case c.b == ' ' && t.word < i:
		from, to = t.announced(next, name)
	case t.colon > 0 && c.b > ' ' && strings.IndexByte("&?#<>\"'`", c.b) < 0:
		return 0, 0 // of a password
	}
	t.user, t.colon = next, 0
	return from, to
}

// secretName reports whether a name is that of a secret, and leaves it in r.name, decoded and in
// lower case.
func (t *text) secretName(name span) bool {
	if name.to-name.from < len("sig") {
		return false
	}
	b := t.r.name[:0]
	for i := name.from; i < name.to; {
		c := decodeChar(t.s, i)
		b = append(b, lower(c.b))
		i += c.width
	}
	t.r.name = b
	return t.r.names.param(b)
}

// isNameByte reports whether b can be part of a parameter's name, such as "user[token]"
// and "a.b-c".
func isNameByte(b byte) bool {
	switch b {
	case '-', '_', '.', '~', '[', ']', '%':
		return true
	}
	return '0' <= b && b <= '9' || 'a' <= lower(b) && lower(b) <= 'z'
}

// isSlash reports whether b is a slash, or a backslash, as in browsers.
func isSlash(b byte) bool { return b == '/' || b == '\\' }
