package http2debug

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// parseFrame reads the output of net/http's summarizeFrame, such as `DATA
// flags=END_STREAM stream=1 len=300 data="…" (44 bytes omitted)`.
func parseFrame(f *wire.Frame, s string) error {
	name, s, _ := strings.Cut(s, " ")
	var err error
	if f.Type, err = wire.TypeByName(name); err != nil {
		return err
	}
	if rest, ok := strings.CutPrefix(s, "flags="); ok {
		var flags string
		flags, s, _ = strings.Cut(rest, " ")
		for _, name := range strings.Split(flags, "|") {
			bit, err := wire.FlagByName(f.Type, name)
			if err != nil {
				return err
			}
			f.Flags |= bit
		}
	}
	if strings.HasPrefix(s, "stream=") {
		if f.Stream, s, err = number(s, "stream="); err != nil {
			return err
		}
	}
	if f.Length, s, err = number(s, "len="); err != nil {
		return err
	}
	return parseDetail(f, s)
}

// parseDetail reads the part after the frame header, which depends on the type.
func parseDetail(f *wire.Frame, s string) (err error) {
	switch f.Type {
	case wire.Settings:
		return parseSettings(f, s)
	case wire.Data:
		return parseData(f, s)
	case wire.WindowUpdate:
		s = strings.TrimPrefix(s, "(conn) ")
		f.Increment, s, err = number(s, "incr=")
	case wire.Ping:
		var opaque string
		if opaque, s, err = quoted(s, "ping="); err == nil && copy(f.Opaque[:], opaque) != len(f.Opaque) {
			err = errors.New("PING without 8 bytes")
		}
	case wire.GoAway:
		return parseGoAway(f, s)
	case wire.RSTStream:
		name, ok := strings.CutPrefix(s, "ErrCode=")
		if !ok {
			return errors.New("no ErrCode")
		}
		f.ErrorCode, err = wire.ErrorByName(name)
		s = ""
	}
	if err == nil && s != "" {
		err = fmt.Errorf("trailing %.40q", s)
	}
	return err
}

func parseSettings(f *wire.Frame, s string) error {
	if s == "" {
		return nil
	}
	list, ok := strings.CutPrefix(s, "settings: ")
	if !ok {
		return errors.New("no settings")
	}
	for _, pair := range strings.Split(list, ", ") {
		name, value, _ := strings.Cut(pair, "=")
		id, err := wire.SettingByName(name)
		if err != nil {
			return err
		}
		v, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return err
		}
		f.Settings = append(f.Settings, wire.Setting{ID: id, Value: uint32(v)})
	}
	return nil
}

func parseData(f *wire.Frame, s string) error {
	data, s, err := quoted(s, "data=")
	if err != nil {
		return err
	}
	f.DataLength = uint32(len(data))
	if s != "" {
		digits, ok := strings.CutSuffix(strings.TrimPrefix(s, "("), " bytes omitted)")
		if !ok {
			return fmt.Errorf("trailing %.40q", s)
		}
		omitted, err := strconv.ParseUint(digits, 10, 24)
		if err != nil {
			return err
		}
		f.DataLength += uint32(omitted)
	}
	if !f.Has(wire.FlagPadded) && f.DataLength != f.Length {
		return fmt.Errorf("%d bytes of data in a payload of %d", f.DataLength, f.Length)
	}
	return nil
}

func parseGoAway(f *wire.Frame, s string) (err error) {
	if f.LastStream, s, err = number(s, "LastStreamID="); err != nil {
		return err
	}
	rest, ok := strings.CutPrefix(s, "ErrCode=")
	if !ok {
		return errors.New("no ErrCode")
	}
	name, s, ok := strings.Cut(rest, " Debug=")
	if !ok {
		return errors.New("no Debug")
	}
	if f.ErrorCode, err = wire.ErrorByName(name); err != nil {
		return err
	}
	if f.Debug, s, err = unquotePrefix(s); err == nil && s != "" {
		err = fmt.Errorf("trailing %.40q", s)
	}
	return err
}

// number reads "key123" up to the next space or comma and returns the rest after the
// separator.
func number(s, key string) (n uint32, rest string, err error) {
	s, ok := strings.CutPrefix(s, key)
	if !ok {
		return 0, "", fmt.Errorf("no %s at %.40q", key, s)
	}
	digits, rest, _ := strings.Cut(s, " ")
	digits = strings.TrimSuffix(digits, ",")
	v, err := strconv.ParseUint(digits, 10, 32)
	return uint32(v), rest, err
}

func quoted(s, key string) (value, rest string, err error) {
	s, ok := strings.CutPrefix(s, key)
	if !ok {
		return "", "", fmt.Errorf("no %s at %.40q", key, s)
	}
	value, rest, err = unquotePrefix(s)
	return value, strings.TrimPrefix(rest, " "), err
}
