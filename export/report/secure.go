package report

import (
	"bytes"

	"h2trace/export"
	"h2trace/export/redact"
	"h2trace/export/scan"
)

// secrets takes secrets out of events that were recorded with --show-secrets: a report is for
// others to read. Of a log of "go -x", in which they are as the go command and git print them,
// they are taken out of what is kept of it (xlog.go, xsaid.go), which is little.
type secrets struct {
	*redact.Redactor
	line []byte
	flag string // the argument before
}

// hide returns a line of a file without secrets, valid until the next call.
func (s *secrets) hide(line []byte) []byte {
	text := bytes.TrimSpace(line)
	if len(text) < 2 || text[0] != '{' || nameless(text) {
		return line
	}
	if s.Redactor == nil {
		s.Redactor = redact.New()
	}
	return s.object(line)
}

// longKey is the length, with its quotes, from which a key may be a token, as one of labels.
const longKey = redact.MinShape + 2

// object returns the line of an event without secrets in its texts.
func (s *secrets) object(line []byte) []byte {
	s.line = s.line[:0]
	done, args := 0, false
	for i := 0; i < len(line); {
		n := bytes.IndexByte(line[i:], '"')
		if n < 0 {
			break
		}
		from := i + n
		to := scan.StringEnd(line, from)
		if to < 0 {
			return line // no event
		}
		i = to
		key := to < len(line) && line[to] == ':'
		if key {
			args, s.flag = string(line[from:to]) == `"args"`, ""
			if to-from < longKey {
				continue
			}
		}
		if clean, found := s.value(line[from:to], args && !key); found {
			s.line = export.AppendString(append(s.line, line[done:from]...), clean)
			done = to
		}
	}
	if done == 0 {
		return line
	}
	s.line = append(s.line, line[done:]...)
	return s.line
}

// value returns a string of JSON without secrets, or false if it has none.
func (s *secrets) value(v []byte, arg bool) ([]byte, bool) {
	text := scan.Bytes(v)
	if !arg {
		return s.Bytes(text)
	}
	flag := s.flag
	s.flag = string(text)
	return s.Argument(flag, s.flag)
}
