package plan

import (
	"fmt"
	"io"

	"h2trace/bpf/layout"
)

// The taps that recover the state of connections joined in the middle: HPACK tables
// and flow-control windows. They are attached only while a connection has unknown
// state.
const (
	EncodeField  Tap = "hpack_encode"
	DecodeBlock  Tap = "hpack_decode"
	WriteHeaders Tap = "write_headers"
	ReadFrame    Tap = "read_frame"
	ProcessFrame Tap = "process_frame"
)

// recoveryFunctions are their functions: golang.org/x/net/http2 as its own module, as
// the standard library vendors it, and as net/http contains it in Go 1.26 and older,
// and since Go 1.27. The encoding ones come last, so that their records can be
// interpreted from the first on.
var recoveryFunctions = []tapFunction{
	{ReadFrame, "golang.org/x/net/http2.(*Framer).ReadFrame", layout.Module},
	{ReadFrame, "net/http.(*http2Framer).ReadFrame", layout.Bundled},
	{ReadFrame, "net/http/internal/http2.(*Framer).ReadFrame", layout.Internal},
	// gRPC calls this one instead.
	{ReadFrame, "golang.org/x/net/http2.(*Framer).ReadFrameHeader", layout.Module},
	{ProcessFrame, "golang.org/x/net/http2.(*serverConn).processFrameFromReader", layout.Module},
	{ProcessFrame, "net/http.(*http2serverConn).processFrameFromReader", layout.Bundled},
	{ProcessFrame, "net/http/internal/http2.(*serverConn).processFrameFromReader", layout.Internal},
	{WriteHeaders, "golang.org/x/net/http2.(*Framer).WriteHeaders", ""},
	{WriteHeaders, "net/http.(*http2Framer).WriteHeaders", ""},
	{WriteHeaders, "net/http/internal/http2.(*Framer).WriteHeaders", ""},
	{DecodeBlock, "golang.org/x/net/http2/hpack.(*Decoder).Write", ""},
	{DecodeBlock, "vendor/golang.org/x/net/http2/hpack.(*Decoder).Write", ""},
	{EncodeField, "golang.org/x/net/http2/hpack.(*Encoder).WriteField", ""},
	{EncodeField, "vendor/golang.org/x/net/http2/hpack.(*Encoder).WriteField", ""},
}

// Recovery returns the places of the taps that recover state, where the executable
// has the code. It uses only emulated instructions that run once a call and have the
// arguments in registers. A function without one is skipped, and what it would have
// reported stays unknown.
func Recovery(r io.ReaderAt) ([]Site, error) {
	exe, err := openExecutable(r, anyMachine, functionNames(recoveryFunctions))
	if err != nil {
		return nil, err
	}
	return exe.entrances(recoveryFunctions)
}

// tapFunction is a function and the tap at its entrance.
type tapFunction struct {
	tap  Tap
	name string
	home layout.Package // of ReadFrame and ProcessFrame
}

func functionNames(list []tapFunction) []string {
	var names []string
	for _, f := range list {
		names = append(names, f.name)
	}
	return names
}

// entrances returns a place after the stack check of each function that the
// executable has, if it offers one.
func (e *executable) entrances(functions []tapFunction) ([]Site, error) {
	var sites []Site
	for _, tf := range functions {
		f, err := e.function(tf.name)
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue
		}
		list, _ := f.decode() // the prologue is enough
		off, kind, ok := list.afterStackCheck()
		if !ok {
			continue
		}
		site := Site{Tap: tf.tap, Kind: kind, Addr: f.addr + off}
		switch tf.tap {
		case ReadFrame:
			site.Layout = e.layout(tf.home)
		case ProcessFrame:
			site.Server = e.serverLayout(tf.home)
		}
		if tf.tap == ProcessFrame && site.Server == nil {
			continue // used for nothing else
		}
		placed, err := e.place(f, site)
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", tf.tap, err)
		}
		sites = append(sites, placed...)
	}
	return sites, nil
}
