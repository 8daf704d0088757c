// Package nghttp reads the output of nghttp and nghttpd of nghttp2 with -v: the
// frames that their own HTTP/2 endpoint sent and received.
package nghttp

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// Frame is a frame of the log.
type Frame struct {
	wire.Frame
	Dir      wire.Dir     // as nghttp2 sees it
	Fields   []wire.Field // of HEADERS
	Priority *Priority
	Line     int // in the log, from 1
}

// Priority is the contents of PRIORITY, which HEADERS may have too (RFC 9113 §6.2).
type Priority struct {
	DependsOn uint32 `json:"depends_on"`
	Weight    uint32 `json:"weight"` // from 1
	Exclusive bool   `json:"exclusive"`
}

// Conn is a connection of the log.
type Conn struct {
	Frames []*Frame
	fields map[uint32][]wire.Field // received, of HEADERS that are not logged yet
}

var (
	event = regexp.MustCompile(`^(?:\[id=(\d+)\] )?\[ *\d+\.\d{3}\] (.*)$`)
	frame = regexp.MustCompile(`^(send|recv) ([A-Z_]+) frame <length=(\d+), flags=0x([0-9a-f]{2}), stream_id=(\d+)>$`)
	field = regexp.MustCompile(`^recv \(stream_id=(\d+)(?:, sensitive)?\) (:?[^:]+): (.*)$`)
)

// detail is the indentation of the details of a frame.
const detail = "          "

// Parse reads a whole log. It returns the connections in their order; nghttp has one.
// A frame that it cannot read in full is an error.
func Parse(r io.Reader) ([]*Conn, error) {
	var conns []*Conn
	byID := make(map[string]*Conn)
	var last *Frame // details may follow for it
	sc := bufio.NewScanner(r)
	for n := 1; sc.Scan(); n++ {
		if text, ok := strings.CutPrefix(sc.Text(), detail); ok && last != nil {
			if err := last.detail(text); err != nil {
				return nil, fmt.Errorf("line %d: %w: %.200q", n, err, text)
			}
			continue
		}
		last = nil
		m := event.FindStringSubmatch(sc.Text())
		if m == nil {
			continue
		}
		c := byID[m[1]]
		if c == nil {
			c = &Conn{fields: make(map[uint32][]wire.Field)}
		}
		f, err := c.event(m[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: %.200q", n, err, m[2])
		}
		if last = f; f != nil {
			f.Line = n
		}
		if byID[m[1]] == nil && len(c.Frames) > 0 {
			byID[m[1]] = c
			conns = append(conns, c)
		}
	}
	return conns, sc.Err()
}

// event reads the part of a line after the time. It returns the frame if there is
// one.
func (c *Conn) event(s string) (*Frame, error) {
	if m := field.FindStringSubmatch(s); m != nil {
		id, err := number(m[1])
		c.fields[id] = append(c.fields[id], wire.Field{Name: m[2], Value: m[3]})
		return nil, err
	}
	m := frame.FindStringSubmatch(s)
	if m == nil {
		if strings.Contains(s, " frame <") {
			return nil, fmt.Errorf("no frame")
		}
		return nil, nil
	}
	f := &Frame{Dir: wire.Send}
	if m[1] == "recv" {
		f.Dir = wire.Recv
	}
	t, err := wire.TypeByName(m[2])
	if err != nil {
		return nil, err
	}
	flags, err := strconv.ParseUint(m[4], 16, 8)
	if err != nil {
		return nil, err
	}
	f.Type, f.Flags = t, uint8(flags)
	if f.Length, err = number(m[3]); err != nil {
		return nil, err
	}
	if f.Stream, err = number(m[5]); err != nil {
		return nil, err
	}
	switch {
	case f.Type == wire.Data:
		if f.DataLength = f.Length; f.Has(wire.FlagPadded) {
			return nil, fmt.Errorf("padding is not read")
		}
	case f.Type == wire.Headers && f.Dir == wire.Recv:
		f.Fields = c.fields[f.Stream]
		delete(c.fields, f.Stream)
	}
	c.Frames = append(c.Frames, f)
	return f, nil
}

func number(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 0, 32)
	return uint32(n), err
}
