package contract

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"h2trace/export/schema"
)

// maxLine bounds one line of output.
const maxLine = 64 << 20

// idle has the validators that nobody uses now. Compiling the schema takes as long as
// checking a hundred lines.
var idle struct {
	sync.Mutex
	list []*schema.Validator
}

// takeValidator returns a validator to give back, which has seen many lines if possible.
func takeValidator() *schema.Validator {
	idle.Lock()
	defer idle.Unlock()
	if n := len(idle.list); n > 0 {
		v := idle.list[n-1]
		idle.list = idle.list[:n-1]
		return v
	}
	v, err := schema.New()
	if err != nil {
		panic(err) // the tests of schema find it, too
	}
	return v
}

func giveValidator(v *schema.Validator) {
	idle.Lock()
	defer idle.Unlock()
	idle.list = append(idle.list, v)
}

// Stream is a whole output that kept the contract.
type Stream struct {
	Events  []*Event
	Summary *Event
}

// Read reads a whole output: every line is valid, and the only summary is the last
// line.
func Read(r io.Reader) (*Stream, error) {
	v := takeValidator()
	defer giveValidator(v)
	s := &Stream{}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	for n := 1; sc.Scan(); n++ {
		if err := v.Line(sc.Bytes()); err != nil {
			return nil, fmt.Errorf("line %d: %w: %.300s", n, err, sc.Bytes())
		}
		e := &Event{Line: n, Raw: sc.Text()}
		if err := json.Unmarshal(sc.Bytes(), e); err != nil {
			return nil, fmt.Errorf("line %d: %w: %.300s", n, err, sc.Bytes())
		}
		if s.Summary != nil {
			return nil, fmt.Errorf("line %d: %s after summary", n, e.Event)
		}
		if e.Event == "summary" {
			s.Summary = e
		}
		s.Events = append(s.Events, e)
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	if s.Summary == nil {
		return nil, errors.New("no summary line")
	}
	return s, nil
}

// Of returns the events of one kind, in order.
func (s *Stream) Of(kind string) []*Event {
	var out []*Event
	for _, e := range s.Events {
		if e.Event == kind {
			out = append(out, e)
		}
	}
	return out
}

// Conn is everything in the stream about one connection.
type Conn struct {
	ID     string
	Open   *Event // nil when the stream has no open line for it
	Close  *Event
	Frames []*Event // in the order printed
	Loss   []*Event
	Resync []*Event
}

// Conns groups the lines by connection, in the order of their first line.
func (s *Stream) Conns() []*Conn {
	byID := make(map[string]*Conn)
	var out []*Conn
	for _, e := range s.Events {
		if e.Conn == "" {
			continue
		}
		c := byID[e.Conn]
		if c == nil {
			c = &Conn{ID: e.Conn}
			byID[e.Conn] = c
			out = append(out, c)
		}
		switch {
		case e.Event == "frame":
			c.Frames = append(c.Frames, e)
		case e.Event == "loss":
			c.Loss = append(c.Loss, e)
		case e.Event == "conn" && e.Action == "open":
			c.Open = e
		case e.Event == "conn" && e.Action == "close":
			c.Close = e
		case e.Event == "conn" && e.Action == "resync":
			c.Resync = append(c.Resync, e)
		}
	}
	return out
}
