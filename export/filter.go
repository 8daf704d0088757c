package export

import (
	"fmt"
	"slices"
	"strings"

	"h2trace/decoder"
)

// Kind is the kind of an event: the value of its "event" key.
type Kind uint8

// The kinds of events.
const (
	KindProcess Kind = iota
	KindConn
	KindFrame
	KindRequest
	KindExchange
	KindStall
	KindVerify
	KindLoss
	KindSummary
)

var kindNames = [...]string{"process", "conn", "frame", "request", "exchange", "stall", "verify", "loss", "summary"}

// String returns the value of the "event" key.
func (k Kind) String() string { return kindNames[k] }

// Filter says which events are printed. The zero Filter prints all. Loss and summary
// events are always printed: without them, incomplete output would look complete.
type Filter struct {
	// Exchanges says which exchanges are printed, of those that are shown at all.
	Exchanges Match

	hidden      [len(kindNames)]bool
	hiddenTypes [4]uint64 // a bit for each frame type
}

// ParseEvents parses the list of -e: kinds of events separated by commas, "all", and
// "frame=HEADERS+WINDOW_UPDATE" for only some types of frames. It ignores case.
func ParseEvents(list string) (Filter, error) {
	var shown [len(kindNames)]bool
	var shownTypes [4]uint64
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		name, types, filtered := strings.Cut(item, "=")
		kind := slices.Index(kindNames[:], strings.ToLower(name))
		switch {
		case strings.EqualFold(item, "all"):
			for i := range shown {
				shown[i] = true
			}
			shownTypes = everyType
		case filtered && kind == int(KindFrame):
			shown[kind] = true
			if err := addTypes(&shownTypes, types); err != nil {
				return Filter{}, err
			}
		case kind < 0 || filtered:
			return Filter{}, fmt.Errorf("unknown event kind %q (valid: %s, all, frame=TYPE+TYPE)",
				item, strings.Join(kindNames[:], ", "))
		default:
			shown[kind] = true
			if kind == int(KindFrame) {
				shownTypes = everyType
			}
		}
	}
	shown[KindLoss], shown[KindSummary] = true, true
	var f Filter
	for i := range shown {
		f.hidden[i] = !shown[i]
	}
	for i := range shownTypes {
		f.hiddenTypes[i] = ^shownTypes[i]
	}
	return f, nil
}

// Nothing returns a Filter that hides all events, also loss and summary.
func Nothing() (f Filter) {
	for i := range f.hidden {
		f.hidden[i] = true
	}
	return f
}

var everyType = [4]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

func addTypes(set *[4]uint64, list string) error {
	for name := range strings.SplitSeq(list, "+") {
		t, ok := typeByName(strings.TrimSpace(name))
		if !ok {
			return fmt.Errorf("unknown frame type %q (valid: %s, UNKNOWN_0x2a)",
				name, strings.Join(namedTypes(), ", "))
		}
		set[t/64] |= 1 << (t % 64)
	}
	return nil
}

func typeByName(name string) (decoder.Type, bool) {
	for t := range 256 {
		if strings.EqualFold(decoder.Type(t).String(), name) {
			return decoder.Type(t), true
		}
	}
	return 0, false
}

func namedTypes() []string {
	var names []string
	for t := range 256 {
		if name := decoder.Type(t).String(); !strings.HasPrefix(name, "UNKNOWN") {
			names = append(names, name)
		}
	}
	return names
}

// shows reports whether events of that kind are printed. A caller need not build others.
func (f *Filter) shows(k Kind) bool { return !f.hidden[k] }

// showsFrame reports whether frames of that type are printed.
func (f *Filter) showsFrame(t decoder.Type) bool {
	return !f.hidden[KindFrame] && f.hiddenTypes[t/64]&(1<<(t%64)) == 0
}
