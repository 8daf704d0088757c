package http2debug

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// maxLine bounds one line: a header value of 16 MiB, each byte quoted as \xff.
const maxLine = 64 << 20

// logLine finds a line of the log package: with the standard flags, or without flags
// as in the go command. With flags it also finds a line after other output that did
// not end its own line. It never takes a quoted payload for one, as the match closest
// to the start wins.
var logLine = regexp.MustCompile(`(?:^|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )(http2: .*)$`)

// frameInside finds a frame line where logLine does not.
var frameInside = regexp.MustCompile(`http2: Framer 0x[0-9a-f]+: (?:wrote|read) `)

// Parse reads a whole stderr. It skips lines of other kinds. A frame or field line
// that it cannot read in full is an error, so that nothing is dropped silently.
func Parse(r io.Reader) (*Log, error) {
	l := &Log{}
	open := make(map[string]*Conn)
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	for n := 1; sc.Scan(); n++ {
		m := logLine.FindStringSubmatch(sc.Text())
		if m == nil {
			if frameInside.MatchString(sc.Text()) {
				return nil, fmt.Errorf("http2debug line %d: a frame behind other output: %.200q", n, sc.Text())
			}
			continue
		}
		if err := l.add(open, n, m[1]); err != nil {
			return nil, fmt.Errorf("http2debug line %d: %w: %.200q", n, err, m[1])
		}
	}
	return l, sc.Err()
}

// fieldPrefixes are the line starts of header fields.
var fieldPrefixes = [...]struct {
	prefix string
	kind   FieldKind
}{
	{"http2: Transport encoding header ", ClientEncoding},
	{"http2: server encoding header ", ServerEncoding},
	{"http2: decoded hpack field header field ", Decoded},
}

func (l *Log) add(open map[string]*Conn, line int, s string) error {
	if rest, ok := strings.CutPrefix(s, "http2: Framer "); ok {
		return l.addFrame(open, line, rest)
	}
	for _, p := range fieldPrefixes {
		rest, ok := strings.CutPrefix(s, p.prefix)
		if !ok {
			continue
		}
		f, err := parseField(rest)
		if err != nil {
			return err
		}
		f.Kind = p.kind
		l.Events = append(l.Events, Event{Line: line, Field: f})
		return nil
	}
	return nil
}

func (l *Log) addFrame(open map[string]*Conn, line int, s string) error {
	framer, s, ok := strings.Cut(s, ": ")
	if !ok {
		return errors.New("no framer")
	}
	f := &Frame{Line: line}
	switch {
	case strings.HasPrefix(s, "wrote "):
		f.Dir, s = wire.Send, s[len("wrote "):]
	case strings.HasPrefix(s, "read "):
		f.Dir, s = wire.Recv, s[len("read "):]
	default:
		return errors.New("neither wrote nor read")
	}
	if err := parseFrame(&f.Frame, s); err != nil {
		return err
	}
	c := open[framer]
	if c == nil || f.Dir == wire.Send && f.Type == wire.Settings && !f.Has(wire.FlagAck) {
		c = &Conn{Framer: framer}
		open[framer] = c
		l.Conns = append(l.Conns, c)
	}
	c.Frames = append(c.Frames, f)
	l.Events = append(l.Events, Event{Line: line, Conn: c, Frame: f})
	return nil
}

// parseField reads `"name" = "value"` with an optional " (sensitive)".
func parseField(s string) (*Field, error) {
	f := &Field{}
	var err error
	if f.Name, s, err = unquotePrefix(s); err != nil {
		return nil, err
	}
	s, ok := strings.CutPrefix(s, " = ")
	if !ok {
		return nil, errors.New("no value")
	}
	if f.Value, s, err = unquotePrefix(s); err != nil {
		return nil, err
	}
	switch s {
	case " (sensitive)":
		f.Sensitive = true
	case "":
	default:
		return nil, fmt.Errorf("trailing %q", s)
	}
	return f, nil
}

func unquotePrefix(s string) (value, rest string, err error) {
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", fmt.Errorf("no quoted string at %.40q", s)
	}
	value, err = strconv.Unquote(q)
	return value, s[len(q):], err
}
