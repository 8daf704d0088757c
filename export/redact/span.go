package redact

import "strings"

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

func isQuote(b byte) bool { return b == '"' || b == '\'' }

// quoteWidth returns the width of the quote at s[i:], with the backslash of one in a quoted text,
// or 0.
func quoteWidth(s string, i int) int {
	switch {
	case i < len(s) && isQuote(s[i]):
		return 1
	case i+1 < len(s) && s[i] == '\\' && isQuote(s[i+1]):
		return 2
	}
	return 0
}

// valueSpan returns where the value of a parameter begins and ends. Its "=" is before
// s[i:] and was encoded level times. ";", "," and "/" do not end a value, because they can
// be part of it. from == to if there is no value.
func valueSpan(s string, i, level int, open closers) (from, to int) {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if n := quoteWidth(s, i); n > 0 {
		return i + n, quotedEnd(s, i, n)
	}
	for from = i; i < len(s); {
		c := decodeChar(s, i)
		switch {
		case c.b == '<' && strings.HasPrefix(s[i:], Mark):
			i += len(Mark)
			continue
		case c.level <= level && (c.b <= ' ' || c.b == '&' || c.b == '#' || open.closedBy(s, i, c.b)):
			return from, i
		}
		i += c.width
	}
	return from, i
}

// quotedEnd returns the index of the quote that closes the quoted string at s[i:], whose first
// quote has n bytes, or the length of s.
func quotedEnd(s string, i, n int) int {
	quote := s[i+n-1]
	for i += n; i < len(s); i++ {
		switch {
		case n == 2 && s[i] == '\\' && i+1 < len(s) && s[i+1] == quote:
			return i
		case n == 1 && s[i] == '\\':
			i++ // RFC 9110 §5.6.4
		case s[i] == quote && isClosingQuote(s, i):
			return i
		}
	}
	return len(s)
}

// userinfoSpan returns where the user information begins and ends in the authority at
// s[i:], whose "//" was encoded level times. As in browsers and net/url, it extends to the
// last "@" of the authority. from == to if there is none, or the user is git, whom every host has.
func userinfoSpan(s string, i, level int, open closers) (from, to int) {
	from, to = i, i
	for i < len(s) {
		c := decodeChar(s, i)
		switch {
		case c.b == '<' && strings.HasPrefix(s[i:], Mark):
			i += len(Mark)
			continue
		case c.level > level:
		case c.b <= ' ' || isSlash(c.b) || c.b == '?' || c.b == '#' || open.closedBy(s, i, c.b):
			return notGit(s, from, to)
		case c.b == '@':
			to = i
		}
		i += c.width
	}
	return notGit(s, from, to)
}

func notGit(s string, from, to int) (int, int) {
	if s[from:to] == "git" {
		return from, from
	}
	return from, to
}

// quoteBefore returns the quote before a name, or 0.
func (t *text) quoteBefore(name span) byte {
	if name.from > 0 && isQuote(t.s[name.from-1]) {
		return t.s[name.from-1]
	}
	if t.open.quote {
		return '"'
	}
	return 0
}

// lineSpan returns where the value of a header ends: with its line, or with the quote that was
// before its name.
func lineSpan(s string, i int, quote byte) (from, to int) {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if n := quoteWidth(s, i); n > 0 {
		return i + n, quotedEnd(s, i, n)
	}
	for from = i; i < len(s) && s[i] != '\n' && s[i] != '\r'; i++ {
		if quote != 0 && s[i] == quote && isClosingQuote(s, i) {
			break
		}
	}
	return from, i
}

// spokenSpan returns where the value ends that follows a ":", which was encoded level times: with
// the word, or with the object in JSON. A scheme before the secret is not part of it.
func (t *text) spokenSpan(i, level int) (from, to int) {
	s := t.s
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if n := quoteWidth(s, i); n > 0 {
		from, to = i+n, quotedEnd(s, i, n)
		if k := schemeLen(s[from:to]); k > 0 {
			from += k
		}
		return from, to
	}
	if end := strings.IndexByte(s[i:min(len(s), i+maxScheme+1)], ' '); end > 0 {
		if scheme, ok := schemeOf(s[i : i+end]); ok && !scheme.word {
			for i += end; i < len(s) && s[i] == ' '; i++ {
			}
			if scheme.once {
				return lineSpan(s, i, 0)
			}
		}
	}
	for from = i; i < len(s); {
		c := decodeChar(s, i)
		switch {
		case c.b == '<' && strings.HasPrefix(s[i:], Mark):
			i += len(Mark)
			continue
		case c.level > level:
		case c.b <= ' ' || c.b == '&' || c.b == '#' || t.open.closedBy(s, i, c.b),
			strings.IndexByte(",;}])", c.b) >= 0 && (t.quoted || isClosingQuote(s, i)):
			return from, i
		}
		i += c.width
	}
	return from, i
}
