package export

import (
	"slices"

	"h2trace/decoder"
	"h2trace/export/scan"
)

// LineFilter is a Filter of recorded events.
type LineFilter struct {
	filter Filter
	types  map[string]decoder.Type // frame types by name
}

// NewLineFilter returns the LineFilter that shows the lines of which f shows the events.
func NewLineFilter(f Filter) *LineFilter {
	l := &LineFilter{filter: f, types: make(map[string]decoder.Type)}
	for t := range 256 {
		l.types[decoder.Type(t).String()] = decoder.Type(t)
	}
	return l
}

// Shows reports whether a line is shown, and whether it is an event at all, of any version of
// h2trace.
func (l *LineFilter) Shows(line []byte) (shown, isEvent bool) {
	var version, kind, frame []byte
	valid := scan.Members(line, func(key, v []byte) {
		switch string(key) {
		case "v":
			version = v
		case "event":
			kind = v
		case "type":
			frame = v
		}
	})
	if !valid || string(version) != "1" || len(kind) < 2 || kind[0] != '"' {
		return false, false
	}
	k := slices.IndexFunc(kindNames[:], func(name string) bool { return scan.Is(kind, name) })
	switch {
	case k < 0: // of a later h2trace
		return l.filter.hidden == [len(kindNames)]bool{}, true
	case Kind(k) == KindFrame:
		t, known := l.types[scan.Text(frame)]
		return l.filter.shows(KindFrame) && (!known || l.filter.showsFrame(t)), true
	case Kind(k) == KindExchange:
		return l.filter.shows(KindExchange) && (!l.filter.Exchanges.Set() || l.filter.Exchanges.meetsLine(line)), true
	}
	return l.filter.shows(Kind(k)), true
}
