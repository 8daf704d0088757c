package layout

import (
	"debug/dwarf"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Package is one of the packages that contain the HTTP/2 code, as the prefix of its
// names.
type Package string

// The packages: golang.org/x/net/http2 as a module of its own, the copy in net/http
// of Go 1.26 and older, and the one since Go 1.27.
const (
	Module   Package = "golang.org/x/net/http2."
	Bundled  Package = "net/http.http2"
	Internal Package = "net/http/internal/http2."

	cryptoTLS Package = "crypto/tls."
)

// errNoLayout is for a program whose types differ from those known here.
var errNoLayout = errors.New("unknown layout of connections")

// FromDWARF reads the layout of client connections from the debugging information
// of a program.
func FromDWARF(d *dwarf.Data, p Package) (*Client, error) {
	t, err := readTypes(d, p)
	if err != nil {
		return nil, err
	}
	l := Client{
		Size:        t.size("ClientConn"),
		TLSConn:     t.at("ClientConn", "tconn") + pointerSize,
		Mu:          t.at("ClientConn", "mu"),
		Cond:        t.at("ClientConn", "cond"),
		FlowStruct:  t.at("ClientConn", "flow"),
		Inflow:      t.at("ClientConn", "inflow"),
		WantAck:     t.at("ClientConn", "wantSettingsAck"),
		Streams:     t.at("ClientConn", "streams"),
		NextID:      t.at("ClientConn", "nextStreamID"),
		Reader:      t.at("ClientConn", "br"),
		MaxFrame:    t.at("ClientConn", "maxFrameSize"),
		MaxStreams:  t.at("ClientConn", "maxConcurrentStreams"),
		PeerTable:   t.maybe("ClientConn", "peerMaxHeaderTableSize"),
		OwnInitial:  t.maybe("ClientConn", "initialStreamRecvWindowSize"),
		WriteMu:     t.at("ClientConn", "wmu"),
		Writer:      t.at("ClientConn", "bw"),
		Framer:      t.at("ClientConn", "fr"),
		WriteErr:    t.at("ClientConn", "werr"),
		StickyConn:  t.at("stickyErrWriter", "conn") + pointerSize,
		StickyErr:   t.at("stickyErrWriter", "err"),
		FramerW:     t.at("Framer", "w") + pointerSize,
		StreamConn:  t.at("clientStream", "cc"),
		StreamID:    t.at("clientStream", "ID"),
		StreamFlow:  t.at("clientStream", "flow"),
		SentEnd:     t.at("clientStream", "sentEndStream"),
		ReadClosed:  t.at("clientStream", "readClosed"),
		ExactInflow: t.structs["inflow"] != nil,
		Delta:       t.structs["connOutflow"] != nil,
	}
	l.StreamInflow = t.at("clientStream", "inflow")
	if l.Delta {
		l.PeerInitial = l.FlowStruct + t.at("connOutflow", "initial")
		l.Flow = l.FlowStruct + t.at("connOutflow", "n")
	} else {
		l.PeerInitial = t.at("ClientConn", "initialWindowSize")
		l.Flow = l.FlowStruct
	}
	if l.OwnInitial == 0 {
		l.OwnWindow = uint32(t.ownWindow)
	}
	if t.missing != "" {
		return nil, fmt.Errorf("no %s: %w", t.missing, errNoLayout)
	}
	if !l.sound() {
		return nil, errNoLayout
	}
	return &l, nil
}

// ServerFromDWARF reads the layout of server connections.
func ServerFromDWARF(d *dwarf.Data, p Package) (*Server, error) {
	t, err := readTypes(d, p)
	if err != nil {
		return nil, err
	}
	l := Server{
		Size:         t.size("serverConn"),
		Conn:         t.at("serverConn", "conn") + pointerSize,
		Writer:       t.at("serverConn", "bw"),
		Framer:       t.at("serverConn", "framer"),
		Flow:         t.at("serverConn", "flow"),
		Inflow:       t.at("serverConn", "inflow"),
		CountError:   t.maybe("serverConn", "countErrorFunc"),
		Unacked:      t.at("serverConn", "unackedSettings"),
		TableSize:    t.maybe("serverConn", "pendingEncoderTableSize"),
		Queued:       t.at("serverConn", "queuedControlFrames"),
		CurStreams:   t.at("serverConn", "curClientStreams"),
		CurHandlers:  t.maybe("serverConn", "curHandlers"),
		MaxID:        t.at("serverConn", "maxClientStreamID"),
		Streams:      t.at("serverConn", "streams"),
		Unstarted:    t.maybe("serverConn", "unstartedHandlers"),
		OwnInitial:   t.maybe("serverConn", "initialStreamRecvWindowSize"),
		MaxFrame:     t.at("serverConn", "maxFrameSize"),
		OldTable:     t.maybe("serverConn", "headerTableSize"),
		KeysSize:     t.maybe("serverConn", "canonHeaderKeysSize"),
		Writing:      t.at("serverConn", "writingFrame"),
		FramerW:      t.at("Framer", "w") + pointerSize,
		StreamConn:   t.at("stream", "sc"),
		StreamID:     t.at("stream", "id"),
		StreamFlow:   t.at("stream", "flow"),
		StreamInflow: t.at("stream", "inflow"),
		StreamState:  t.at("stream", "state"),
		ShortInflow:  t.structs["inflow"] != nil,
		// It followed soon after the fix.
		ExactInflow: t.maybe("serverConn", "sawClientPreface") != 0,
		Delta:       t.structs["connOutflow"] != nil,
	}
	if l.Delta {
		l.PeerInitial = l.Flow + t.at("connOutflow", "initial")
		l.Flow += t.at("connOutflow", "n")
	} else {
		l.PeerInitial = t.at("serverConn", "initialStreamSendWindowSize")
	}
	if t.at("stream", "body") != l.StreamID+pointerSize {
		t.lack("stream.body behind stream.id")
	}
	if l.OwnInitial == 0 {
		l.Upload = t.at("Server", "MaxUploadBufferPerStream")
	}
	if t.missing != "" {
		return nil, fmt.Errorf("no %s: %w", t.missing, errNoLayout)
	}
	if !l.sound() {
		return nil, errNoLayout
	}
	return &l, nil
}

// types are the structs and constants needed.
type types struct {
	structs   map[string]*structType
	ownWindow int64
	missing   string // the first requested field that is missing
}

// structType is a struct. debug/dwarf would follow the types of its fields, to any
// depth in a file.
type structType struct {
	size   int64
	fields map[string]int64 // offsets
}

const (
	ownWindowConst = "transportDefaultStreamFlow"
	// maxEntries bounds the entries examined: debugging information of 64 MB has some
	// four million.
	maxEntries = 8 << 20
)

func readTypes(d *dwarf.Data, p Package) (*types, error) {
	t := &types{structs: make(map[string]*structType)}
	wanted := map[string]bool{
		"ClientConn": true, "clientStream": true, "stickyErrWriter": true,
		"Framer": true, "inflow": true, "connOutflow": true,
		"serverConn": true, "stream": true, "Server": true,
		"Conn": true, "halfConn": true,
	}
	r := d.Reader()
	depth, in := 0, (*structType)(nil) // the struct whose fields follow
	for range maxEntries {
		e, err := r.Next()
		if err != nil || e == nil {
			return t, err
		}
		if e.Tag == 0 { // the end of children
			if depth--; depth <= unitDepth {
				in = nil
			}
			continue
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		own, ok := strings.CutPrefix(name, string(p))
		switch {
		case e.Tag == dwarf.TagMember && in != nil && depth == unitDepth+1:
			if at, ok := e.Val(dwarf.AttrDataMemberLoc).(int64); ok {
				in.fields[name] = at
			}
		case depth != unitDepth || !ok:
		case e.Tag == dwarf.TagStructType && wanted[own]:
			s := &structType{fields: make(map[string]int64)}
			s.size, _ = e.Val(dwarf.AttrByteSize).(int64)
			t.structs[own] = s
			if e.Children {
				in = s
			}
		case e.Tag == dwarf.TagConstant && own == ownWindowConst:
			t.ownWindow, _ = e.Val(dwarf.AttrConstValue).(int64)
		}
		if e.Children {
			depth++
		}
	}
	return nil, errNoLayout
}

// unitDepth is the depth of the types of a compilation unit in the tree.
const unitDepth = 1

func (t *types) size(name string) uint16 {
	if s := t.structs[name]; s != nil && s.size >= 0 && s.size <= maxSize {
		return uint16(s.size)
	}
	t.lack(name)
	return 0
}

// maxOffset bounds the offset of a field: the sum of two fits, too.
const maxOffset = math.MaxUint16 / 2

func (t *types) maybe(name, field string) uint16 {
	if s := t.structs[name]; s != nil {
		if _, ok := s.fields[field]; ok {
			return t.at(name, field)
		}
	}
	return 0
}

func (t *types) at(name, field string) uint16 {
	if s := t.structs[name]; s != nil {
		if at, ok := s.fields[field]; ok && at >= 0 && at <= maxOffset {
			return uint16(at)
		}
	}
	t.lack(name + "." + field)
	return 0
}

func (t *types) lack(what string) {
	if t.missing == "" {
		t.missing = what
	}
}
