package decoder

import "strconv"

// Flags is the flags field of a frame header; what a bit means depends on the
// frame type (RFC 9113 §4.1).
type Flags uint8

// The flags of RFC 9113. FlagAck is for SETTINGS and PING, where it has the
// bit that is END_STREAM elsewhere.
const (
	FlagEndStream  Flags = 0x01
	FlagAck        Flags = 0x01
	FlagEndHeaders Flags = 0x04
	FlagPadded     Flags = 0x08
	FlagPriority   Flags = 0x20
)

// Has reports whether all bits of want are set.
func (f Flags) Has(want Flags) bool { return f&want == want }

type flagName struct {
	bit  Flags
	name string
}

var flagNames = [len(typeNames)][]flagName{
	TypeData:         {{FlagEndStream, "END_STREAM"}, {FlagPadded, "PADDED"}},
	TypeHeaders:      {{FlagEndStream, "END_STREAM"}, {FlagEndHeaders, "END_HEADERS"}, {FlagPadded, "PADDED"}, {FlagPriority, "PRIORITY"}},
	TypeSettings:     {{FlagAck, "ACK"}},
	TypePushPromise:  {{FlagEndHeaders, "END_HEADERS"}, {FlagPadded, "PADDED"}},
	TypePing:         {{FlagAck, "ACK"}},
	TypeContinuation: {{FlagEndHeaders, "END_HEADERS"}},
}

// definedFlags is, for each type, the bits that mean something there.
var definedFlags = func() (d [256]Flags) {
	for t, names := range flagNames {
		for _, n := range names {
			d[t] |= n.bit
		}
	}
	return d
}()

// flagSets holds the names of every set of defined flags, so that naming the
// flags of an ordinary frame does not allocate.
var flagSets = func() (sets [len(typeNames)]map[Flags][]string) {
	for t := range sets {
		sets[t] = map[Flags][]string{}
		for f := range Flags(64) {
			if f&^definedFlags[t] == 0 {
				sets[t][f] = f.build(Type(t))
			}
		}
	}
	return sets
}()

// Names returns the names of the set bits as RFC 9113 spells them for frames
// of type t, from the lowest bit up, and undefined bits as "0x40". The slice
// is shared: callers must not change it. It is empty, not nil, without flags.
func (f Flags) Names(t Type) []string {
	if int(t) < len(flagSets) {
		if names, ok := flagSets[t][f]; ok {
			return names
		}
	}
	return f.build(t)
}

func (f Flags) build(t Type) []string {
	names := []string{}
	for bit := Flags(1); bit != 0; bit <<= 1 {
		if f&bit == 0 {
			continue
		}
		name := "0x" + strconv.FormatUint(uint64(bit), 16)
		if int(t) < len(flagNames) {
			for _, n := range flagNames[t] {
				if n.bit == bit {
					name = n.name
				}
			}
		}
		names = append(names, name)
	}
	return names
}
