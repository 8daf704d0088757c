package contract

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// WireFrame returns the frame in the common form for comparison. When the payload is
// unknown the frame has only its header, with an error.
func (e *Event) WireFrame() (*wire.Frame, error) {
	f := &wire.Frame{
		Stream: e.Stream, Length: e.Length, DataLength: e.DataLength, Increment: e.Increment,
		ErrorCode: e.ErrorCode, LastStream: e.LastStream, Debug: e.Debug,
	}
	if e.DebugBytes != nil {
		f.Debug = string(e.DebugBytes)
	}
	var err error
	if f.Type, err = wire.TypeByName(e.Type); err != nil {
		return nil, err
	}
	for _, name := range e.Flags {
		bit, err := wire.FlagByName(f.Type, name)
		if err != nil {
			return nil, err
		}
		f.Flags |= bit
	}
	switch f.Type {
	case wire.Settings:
		if f.Settings, err = e.settings(); err != nil {
			return f, fmt.Errorf("settings: %w", err)
		}
	case wire.Ping:
		opaque, err := hex.DecodeString(e.Opaque)
		if err != nil || copy(f.Opaque[:], opaque) != len(f.Opaque) {
			return f, fmt.Errorf("opaque %q is not 8 bytes in hex", e.Opaque)
		}
	}
	return f, e.checkErrorName(f)
}

// checkErrorName compares the printed name of an error with its code.
func (e *Event) checkErrorName(f *wire.Frame) error {
	if f.Type != wire.RSTStream && f.Type != wire.GoAway {
		return nil
	}
	var name string
	if err := json.Unmarshal(e.Error, &name); err != nil {
		return fmt.Errorf("error: %w", err)
	}
	code, err := wire.ErrorByName(name)
	if err == nil && code != e.ErrorCode {
		err = fmt.Errorf("error %s with error_code %d", name, e.ErrorCode)
	}
	return err
}

// settings returns the parameters in wire order: that of the object's keys, or of
// settings_wire.
func (e *Event) settings() ([]wire.Setting, error) {
	list := e.SettingsWire
	if list == nil {
		ms, err := objectMembers(e.Settings)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			s := wireSetting{Name: m.key}
			if err := json.Unmarshal(m.value, &s.Value); err != nil {
				return nil, err
			}
			list = append(list, s)
		}
	}
	var out []wire.Setting
	for _, s := range list {
		id, err := wire.SettingByName(s.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, wire.Setting{ID: id, Value: s.Value})
	}
	return out, nil
}
