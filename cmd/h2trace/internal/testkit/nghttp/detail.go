package nghttp

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

var (
	setting    = regexp.MustCompile(`^\[[A-Z_0-9]+\((0x[0-9a-f]{2})\):(\d+)\]$`)
	increment  = regexp.MustCompile(`^\(window_size_increment=(\d+)\)$`)
	errorCode  = regexp.MustCompile(`^\(error_code=[A-Z_0-9]+\((0x[0-9a-f]+)\)\)$`)
	goAway     = regexp.MustCompile(`^\(last_stream_id=(\d+), error_code=[A-Z_0-9]+\((0x[0-9a-f]+)\), opaque_data\(\d+\)=\[(.*)\]\)$`)
	opaque     = regexp.MustCompile(`^\(opaque_data=([0-9a-f]{16})\)$`)
	dependence = regexp.MustCompile(`dep_stream_id=(\d+), weight=(\d+), exclusive=([01])\)$`)
	sent       = regexp.MustCompile(`^(:?[^:]+): (.*)$`)
)

// detail reads a line with details of a frame.
func (f *Frame) detail(s string) error {
	if strings.HasPrefix(s, ";") { // names of flags, and their meaning
		return nil
	}
	switch f.Type {
	case wire.Settings:
		return f.setting(s)
	case wire.WindowUpdate:
		return read(increment, s, &f.Increment)
	case wire.RSTStream:
		return read(errorCode, s, &f.ErrorCode)
	case wire.GoAway:
		if m := goAway.FindStringSubmatch(s); m != nil {
			f.Debug = m[3]
		}
		return read(goAway, s, &f.LastStream, &f.ErrorCode)
	case wire.Ping:
		m := opaque.FindStringSubmatch(s)
		if m == nil {
			return fmt.Errorf("no opaque data")
		}
		_, err := hex.Decode(f.Opaque[:], []byte(m[1]))
		return err
	case wire.Priority:
		return f.priority(s)
	case wire.Headers:
		switch m := sent.FindStringSubmatch(s); {
		case strings.HasPrefix(s, "(padlen=0, "):
			return f.priority(s)
		case s == "(padlen=0)":
			return nil
		case m != nil:
			f.Fields = append(f.Fields, wire.Field{Name: m[1], Value: m[2]})
			return nil
		}
	}
	return fmt.Errorf("%s has no such detail", f.Type)
}

func (f *Frame) setting(s string) error {
	if strings.HasPrefix(s, "(niv=") { // their number
		return nil
	}
	var id, value uint32
	err := read(setting, s, &id, &value)
	f.Settings = append(f.Settings, wire.Setting{ID: uint16(id), Value: value})
	return err
}

func (f *Frame) priority(s string) error {
	p := &Priority{}
	var exclusive uint32
	err := read(dependence, s, &p.DependsOn, &p.Weight, &exclusive)
	p.Exclusive = exclusive == 1
	f.Priority = p
	return err
}

// read reads the numbers in a match of a pattern.
func read(pattern *regexp.Regexp, s string, to ...*uint32) (err error) {
	m := pattern.FindStringSubmatch(s)
	if m == nil {
		return fmt.Errorf("not as in %s", pattern)
	}
	for i, n := range to {
		if *n, err = number(m[i+1]); err != nil {
			return err
		}
	}
	return nil
}
