package export

import "strings"

// text removes URL credentials and the values of secret parameters from any text: a path
// with a query, a URL, a Link or Refresh header, a message that quotes a URL. It returns
// the text without them, or false if there were none.
//
// Percent-encoding does not hide a secret. Names are compared decoded. A URL inside a
// parameter of another URL, whose delimiters are encoded, is searched like the outer one.
// Every character has a level: the number of times it was encoded. A value that begins at
// a level ends at a delimiter of the same or a lower level. A "%26" inside an outer value
// is part of that value, and ends only a value nested in it.
func (r *redactor) text(s string) ([]byte, bool) {
	if strings.IndexByte(s, '=') < 0 && strings.IndexByte(s, '@') < 0 && strings.IndexByte(s, '%') < 0 {
		return nil, false
	}
	r.out, r.name = r.out[:0], r.name[:0]
	done := 0 // s[:done] is in r.out
	var open closers
	slashes, prev := 0, byte(0)
	for i := 0; i < len(s); {
		c := decodeChar(s, i)
		next := i + c.width
		if !isSlash(c.b) {
			slashes = 0
		} else if slashes > 0 || !isNameByte(prev) {
			// Not after a name: "/a//b@v1" is a path.
			slashes++
		}
		from, to := 0, 0
		switch {
		case c.b == '=' && len(r.name) > 0 && r.names.param(r.name):
			if from, to = valueSpan(s, next, c.level, open); isSwitch(s[from:to]) {
				to = from
			}
		case slashes >= 2:
			// "//user:password@host" (RFC 3986 §3.2.1).
			from, to = userinfoSpan(s, next, c.level, open)
		}
		if from < to {
			r.out = append(append(r.out, s[done:from]...), redacted...)
			done, next = to, to
			if s[from-1] == '"' {
				open.see(char{b: '"'})
			}
		}
		if isNameByte(c.b) {
			r.name = append(r.name, lower(c.b))
		} else {
			r.name = r.name[:0]
		}
		open.see(c)
		prev, i = c.b, next
	}
	if done == 0 {
		return nil, false
	}
	r.out = append(r.out, s[done:]...)
	return r.out, true
}

// closers says which brackets around a URL are open. Only the closing bracket of an open
// one ends the URL.
type closers struct{ quote, angle bool }

func (o *closers) see(c char) {
	switch {
	case c.level > 0:
	case c.b == '"':
		o.quote = !o.quote
	case c.b == '<':
		o.angle = true
	case c.b == '>':
		o.angle = false
	}
}

// closedBy reports whether b, at s[i], closes an open bracket.
func (o closers) closedBy(s string, i int, b byte) bool {
	return b == '"' && o.quote && isClosingQuote(s, i) || b == '>' && o.angle
}

// isClosingQuote reports whether the quote at s[i] ends a quoted string, by the character
// after it. A stray quote in a secret must not show the rest.
func isClosingQuote(s string, i int) bool {
	return i+1 == len(s) || s[i+1] <= ' ' || strings.IndexByte(",;&#>)}]", s[i+1]) >= 0
}

// maxLevel bounds the level of a character. It keeps the work on a hostile value
// proportional to its length: at most one authority is open on each level.
const maxLevel = 8

// char is one character of a text: its value, how often it was percent-encoded and how
// many bytes it occupies.
type char struct {
	b     byte
	level int
	width int
}

// decodeChar returns the character at s[i:]. "%2541" is an "A" that was encoded twice. A
// "%" that begins no escape is a plain "%".
func decodeChar(s string, i int) char {
	if s[i] != '%' {
		return char{s[i], 0, 1}
	}
	level, j := 0, i+1
	for j+1 < len(s) && s[j] == '2' && s[j+1] == '5' {
		level, j = level+1, j+2
	}
	if j+1 < len(s) {
		hi, lo := unhex(s[j]), unhex(s[j+1])
		if hi >= 0 && lo >= 0 {
			return char{byte(hi<<4 | lo), min(level+1, maxLevel), j + 2 - i}
		}
	}
	return char{'%', min(level, maxLevel), j - i}
}

// valueSpan returns where the value of a parameter begins and ends. Its "=" is before
// s[i:] and was encoded level times. ";", "," and "/" do not end a value, because they can
// be part of it. from == to if there is no value.
func valueSpan(s string, i, level int, open closers) (from, to int) {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if i < len(s) && s[i] == '"' {
		return i + 1, quotedEnd(s, i+1)
	}
	for from = i; i < len(s); {
		c := decodeChar(s, i)
		if c.level <= level && (c.b <= ' ' || c.b == '&' || c.b == '#' || open.closedBy(s, i, c.b)) {
			break
		}
		i += c.width
	}
	return from, i
}

// quotedEnd returns the index of the quote that closes the quoted string at s[i:], or the
// length of s.
func quotedEnd(s string, i int) int {
	for ; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++ // RFC 9110 §5.6.4
		case s[i] == '"' && isClosingQuote(s, i):
			return i
		}
	}
	return len(s)
}

// userinfoSpan returns where the user information begins and ends in the authority at
// s[i:], whose "//" was encoded level times. As in browsers and net/url, it extends to the
// last "@" of the authority. from == to if there is none.
func userinfoSpan(s string, i, level int, open closers) (from, to int) {
	from, to = i, i
	for i < len(s) {
		c := decodeChar(s, i)
		if c.level <= level {
			if c.b <= ' ' || isSlash(c.b) || c.b == '?' || c.b == '#' || open.closedBy(s, i, c.b) {
				break
			}
			if c.b == '@' {
				to = i
			}
		}
		i += c.width
	}
	return from, to
}

// isSlash reports whether b is a slash, or a backslash, as in browsers.
func isSlash(b byte) bool { return b == '/' || b == '\\' }

// isNameByte reports whether b can be part of a parameter's name, such as "user[token]"
// and "a.b-c".
func isNameByte(b byte) bool {
	switch b {
	case '-', '_', '.', '~', '[', ']', '%':
		return true
	}
	return '0' <= b && b <= '9' || 'a' <= lower(b) && lower(b) <= 'z'
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func unhex(b byte) int {
	switch b = lower(b); {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	}
	return -1
}
