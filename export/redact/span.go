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
	if i = skipSpaces(s, i); quoteWidth(s, i) > 0 {
		return quotedSpan(s, i)
	}
	return i, find(s, i, level, func(i int, b byte) bool { return endsValue(b) || open.closedBy(s, i, b) })
}

// endsValue reports whether b ends a value without quotes.
func endsValue(b byte) bool { return b <= ' ' || b == '&' || b == '#' }

// find returns the index of the first character of s[i:] that was encoded level times at most and
// for which is holds, or the length of s. It passes a Mark whole.
func find(s string, i, level int, is func(i int, b byte) bool) int {
	for i < len(s) {
		c := decodeChar(s, i)
		switch {
		case c.b == '<' && strings.HasPrefix(s[i:], Mark):
			i += len(Mark)
			continue
		case c.level <= level && is(i, c.b):
			return i
		}
		i += c.width
	}
	return i
}

func skipSpaces(s string, i int) int {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	return i
}

// quotedSpan returns where the text in the quotes at s[i:] begins and ends.
func quotedSpan(s string, i int) (from, to int) {
	n := quoteWidth(s, i)
	return i + n, quotedEnd(s, i, n)
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
	to = i
	find(s, i, level, func(i int, b byte) bool {
		if b == '@' {
			to = i
		}
		return b <= ' ' || isSlash(b) || b == '?' || b == '#' || open.closedBy(s, i, b)
	})
	if s[i:to] == "git" {
		return i, i
	}
	return i, to
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
	if i = skipSpaces(s, i); quoteWidth(s, i) > 0 {
		return quotedSpan(s, i)
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
	if i = skipSpaces(s, i); quoteWidth(s, i) > 0 {
		from, to = quotedSpan(s, i)
		return from + schemeLen(s[from:to]), to
	}
	if end := strings.IndexByte(s[i:min(len(s), i+maxScheme+1)], ' '); end > 0 {
		if scheme, ok := schemeOf(s[i : i+end]); ok && !scheme.word {
			if i = skipSpaces(s, i+end); scheme.once {
				return lineSpan(s, i, 0)
			}
		}
	}
	return i, find(s, i, level, func(i int, b byte) bool {
		return endsValue(b) || t.open.closedBy(s, i, b) ||
			strings.IndexByte(",;}])", b) >= 0 && (t.quoted || isClosingQuote(s, i))
	})
}
