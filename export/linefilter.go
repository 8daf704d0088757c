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

// Kind reports whether events of a kind are shown, at least some.
func (l *LineFilter) Kind(k Kind) bool { return l.filter.shows(k) }

// Shows reports whether a line is shown, its kind, and whether it is an event at all, of any
// version of h2trace. The kind of one of a later version is none of those here.
func (l *LineFilter) Shows(line []byte) (shown bool, kind Kind, isEvent bool) {
	var version, name, frame []byte
	valid := scan.Members(line, func(key, v []byte) {
		switch string(key) {
		case "v":
			version = v
		case "event":
			name = v
		case "type":
			frame = v
		}
	})
	if !valid || string(version) != "1" || len(name) < 2 || name[0] != '"' {
		return false, 0, false
	}
	k := slices.IndexFunc(kindNames[:], func(known string) bool { return scan.Is(name, known) })
	if k < 0 { // of a later h2trace
		return l.filter.hidden == [len(kindNames)]bool{}, Kind(len(kindNames)), true
	}
	kind = Kind(k)
	shown = l.filter.shows(kind)
	switch t, known := l.types[scan.Text(frame)]; {
	case kind == KindFrame && known:
		shown = l.filter.showsFrame(t)
	case kind == KindExchange && shown && l.filter.Exchanges.Set():
		shown = l.filter.Exchanges.meetsLine(line)
	}
	return shown, kind, true
}
