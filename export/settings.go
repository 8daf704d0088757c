package export

import (
	"strconv"

	"h2trace/decoder"
)

// appendSettings appends a SETTINGS payload as an object in wire order. Each value
// replaces the previous one (RFC 9113 §6.5.3). So the object holds the last value of a
// parameter that occurs twice; settings_wire then lists all.
func appendSettings(b []byte, f *decoder.Frame) []byte {
	b = append(b, `,"settings":`...)
	ack := f.Flags.Has(decoder.FlagAck)
	if f.Truncated || f.Length%6 != 0 || ack && f.Length != 0 { // RFC 9113 §6.5
		return appendAck(append(b, "null"...), f)
	}
	last := lastOfEach(f.Settings)
	b = append(b, '{')
	first := true
	for i, s := range f.Settings {
		if last != nil && last[s.ID] != i {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, '"')
		b = append(b, s.ID.String()...)
		b = append(b, '"', ':')
		b = strconv.AppendUint(b, uint64(s.Value), 10)
	}
	b = append(b, '}')
	if last != nil {
		b = append(b, `,"settings_wire":[`...)
		for i, s := range f.Settings {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"name":"`...)
			b = append(b, s.ID.String()...)
			b = append(b, `","value":`...)
			b = strconv.AppendUint(b, uint64(s.Value), 10)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	return appendAck(b, f)
}

// lastOfEach returns the index of the last value of each parameter, or nil if none occurs
// twice.
func lastOfEach(settings []decoder.Setting) map[decoder.SettingID]int {
	if len(settings) < 16 && !hasRepeat(settings) {
		return nil
	}
	last := make(map[decoder.SettingID]int)
	for i, s := range settings {
		last[s.ID] = i
	}
	if len(last) == len(settings) {
		return nil
	}
	return last
}

func hasRepeat(settings []decoder.Setting) bool {
	for i, s := range settings {
		for _, t := range settings[:i] {
			if s.ID == t.ID {
				return true
			}
		}
	}
	return false
}
