package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// eventKinds are the kinds that -e can name, in the order of the manual. "loss"
// and "summary" are printed whatever it names.
var eventKinds = []string{"process", "conn", "frame", "exchange", "stall", "loss", "summary"}

// frameTypes are the frame types that -e frame=… can name: RFC 9113 §6,
// RFC 9218 §7.1, RFC 7838 §4 and RFC 8336 §2. Others go by number, in the
// spelling of the output.
var (
	frameTypes = []string{
		"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
		"WINDOW_UPDATE", "CONTINUATION", "PRIORITY_UPDATE", "ALTSVC", "ORIGIN",
	}
	unknownFrameType = regexp.MustCompile(`^UNKNOWN_0X[0-9A-F]{2}$`)
)

// EventFilter says which events to print. The zero value prints all of them.
// It is a pflag.Value; several -e add up.
type EventFilter struct {
	kinds  map[string]bool // nil: every kind
	frames map[string]bool // nil: every frame type
}

// Kind reports whether events of this kind are to be printed.
func (f *EventFilter) Kind(kind string) bool {
	return f.kinds == nil || f.kinds[kind] || kind == "loss" || kind == "summary"
}

// Frame reports whether frames of this type, in the spelling of the output, are
// to be printed.
func (f *EventFilter) Frame(frameType string) bool {
	return f.Kind("frame") && (f.frames == nil || f.frames[frameType])
}

// FrameTypes returns the frame types that -e names, sorted, or nil for all.
func (f *EventFilter) FrameTypes() []string {
	if f.frames == nil {
		return nil
	}
	types := make([]string, 0, len(f.frames))
	for t := range f.frames {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}

// eventList collects the -e flags of one command line. A frame filter holds
// beside "all" ("all,frame=HEADERS" is every kind, and of frames the HEADERS);
// a bare "frame" lifts it.
type eventList struct {
	filter    *EventFilter
	allKinds  bool
	allFrames bool
}

// Set adds one LIST, such as "conn,frame=HEADERS+DATA".
func (l *eventList) Set(list string) error {
	for item := range strings.SplitSeq(list, ",") {
		kind, types, filtered := strings.Cut(item, "=")
		switch {
		case kind == "all" && !filtered:
			l.allKinds = true
		case !slices.Contains(eventKinds, kind):
			return fmt.Errorf("unknown event kind %q; the kinds are %s, all",
				kind, strings.Join(eventKinds, ", "))
		case filtered && kind != "frame":
			return fmt.Errorf("%q cannot be filtered; only frame=TYPE+TYPE can", kind)
		case filtered:
			if err := l.addFrameTypes(types); err != nil {
				return err
			}
			l.addKind(kind)
		default:
			l.allFrames = l.allFrames || kind == "frame"
			l.addKind(kind)
		}
	}
	if l.allKinds {
		l.filter.kinds = nil
	}
	if l.allFrames {
		l.filter.frames = nil
	}
	return nil
}

func (l *eventList) addKind(kind string) {
	if l.filter.kinds == nil {
		l.filter.kinds = make(map[string]bool)
	}
	l.filter.kinds[kind] = true
}

func (l *eventList) addFrameTypes(types string) error {
	if l.filter.frames == nil {
		l.filter.frames = make(map[string]bool)
	}
	for name := range strings.SplitSeq(types, "+") {
		t := strings.ToUpper(name)
		switch {
		case slices.Contains(frameTypes, t):
		case unknownFrameType.MatchString(t):
			t = "UNKNOWN_0x" + strings.ToLower(t[len("UNKNOWN_0X"):])
		default:
			return fmt.Errorf("unknown frame type %q; the types are %s, UNKNOWN_0x2a",
				name, strings.Join(frameTypes, ", "))
		}
		l.filter.frames[t] = true
	}
	return nil
}

// String is part of pflag.Value.
func (l *eventList) String() string { return "all" }

// Type is part of pflag.Value.
func (l *eventList) Type() string { return "LIST" }
