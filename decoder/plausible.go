package decoder

// plausible holds the facts about a connection that frames of a direction must fit.
type plausible struct {
	sender Role
	// limit is the largest MAX_FRAME_SIZE that the sender may go by, if limited.
	limit   uint32
	limited bool
	// undecided says that the connection may not be HTTP/2.
	undecided bool
}

// expects returns the facts that frames of a direction must fit now.
func (c *Conn) expects(d Direction) plausible {
	p := plausible{undecided: !c.decided}
	p.limit, p.limited = c.settings.most(d, SettingMaxFrameSize)
	switch {
	case !c.streams.known:
	case d == c.streams.clientDir:
		p.sender = Client
	default:
		p.sender = Server
	}
	return p
}

// longestPayload returns the number of bytes kept of the payload of a frame.
func (p plausible) longestPayload(t Type) int {
	switch t {
	case TypeHeaders, TypePushPromise, TypeContinuation:
		if p.limited {
			return max(maxPayload, int(p.limit))
		}
		return maxMaxFrameSize
	}
	return maxPayload
}

// evidence returns the number of bits of a header that are unlikely by chance, and whether
// it can be a frame header at all. It is stricter than RFC 9113: endpoints set no
// undefined flags and no reserved bits (§4.1), and a header that no endpoint sends is no
// evidence.
func (p plausible) evidence(raw []byte) (bits int, ok bool) {
	h := parseHeader(raw)
	if raw[5]&0x80 != 0 || h.flags&^definedFlags[h.typ] != 0 || !h.typ.known() {
		return 0, false
	}
	if p.limited && h.length > p.limit {
		return 0, false
	}
	bits, exact := typeEvidence(h)
	if bits == 0 {
		return 0, false
	}
	if !exact {
		// Long frames are rare, and cheap to imitate.
		switch {
		case h.length > 1<<20:
			bits -= 12
		case h.length > minMaxFrameSize:
			bits -= 6
		}
	}
	return bits, p.streamFits(h)
}

// longestPriority is longer than any PRIORITY_UPDATE (RFC 9218 §7.1). Two bytes before each
// DATA frame of 4096 bytes, which are the frames of Go's servers, begins what looks like a
// header of one with some megabytes.
const longestPriority = 1 << 10

// typeEvidence weighs the rules of each type. A weight is log2 of how rarely nine random
// bytes fulfil them, and less for patterns that are frequent in binary data, such as small
// numbers between zeros. exact says that only one length is allowed.
func typeEvidence(h frameHeader) (bits int, exact bool) {
	onStream := h.stream != 0
	switch {
	case h.typ == TypeData && onStream && h.length > 0:
		return 25, false
	case h.typ == TypeData && onStream:
		return 8, false
	case h.typ == TypeHeaders && onStream && h.length > 0:
		return 25, false
	case h.typ == TypeContinuation && onStream:
		return 20, false
	case h.typ == TypePushPromise && onStream && h.length > 4:
		return 25, false
	case h.typ == TypePriority && onStream && h.length == 5,
		h.typ == TypeRSTStream && onStream && h.length == 4:
		return 36, true
	case h.typ == TypeWindowUpdate && h.length == 4:
		return 36, true
	case h.typ == TypePing && !onStream && h.length == 8:
		return 44, true
	case h.typ == TypeSettings && !onStream && h.length == 0:
		if h.flags.Has(FlagAck) {
			return 28, true
		}
		return 8, true
	case h.typ == TypeSettings && !onStream && h.length%6 == 0 && h.length <= 120 && h.flags == 0:
		return 44, true
	case h.typ == TypeGoAway && !onStream && h.length >= 8:
		return 44, false
	case h.typ == TypeAltSvc && h.length >= 2,
		h.typ == TypeOrigin && !onStream:
		return 20, false
	case h.typ == TypePriorityUpdate && !onStream && h.length >= 4 && h.length <= longestPriority:
		return 40, false
	}
	return 0, false
}

// streamFits checks the stream against the role of the sender.
func (p plausible) streamFits(h frameHeader) bool {
	if h.stream == 0 || p.sender == RoleUnknown {
		return true
	}
	fromClient := p.sender == Client
	switch h.typ {
	case TypeData, TypeHeaders:
		// A client does not send on streams that a server opens.
		return !fromClient || h.stream%2 == 1
	case TypePushPromise, TypeAltSvc:
		return !fromClient
	}
	return true
}
