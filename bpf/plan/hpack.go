package plan

import (
	"fmt"
	"io"

	"h2trace/bpf/layout"
)

// The taps that recover the state of connections met in the middle: HPACK tables
// and flow-control windows. They are attached only while there is one whose
// state is not known.
const (
	EncodeField  Tap = "hpack_encode"
	DecodeBlock  Tap = "hpack_decode"
	WriteHeaders Tap = "write_headers"
	ReadFrame    Tap = "read_frame"
)

// recoveryFunctions are the functions behind them: golang.org/x/net/http2 as
// its own module, as the standard library vendors it, and as net/http contains
// it in Go 1.26 and older, and since Go 1.27. Those that encode come last, so
// that what they report can be understood from the first.
var recoveryFunctions = []struct {
	tap  Tap
	name string
	home layout.Package // of ReadFrame
}{
	{ReadFrame, "golang.org/x/net/http2.(*Framer).ReadFrame", layout.Module},
	{ReadFrame, "net/http.(*http2Framer).ReadFrame", layout.Bundled},
	{ReadFrame, "net/http/internal/http2.(*Framer).ReadFrame", layout.Internal},
	{WriteHeaders, "golang.org/x/net/http2.(*Framer).WriteHeaders", ""},
	{WriteHeaders, "net/http.(*http2Framer).WriteHeaders", ""},
	{WriteHeaders, "net/http/internal/http2.(*Framer).WriteHeaders", ""},
	{DecodeBlock, "golang.org/x/net/http2/hpack.(*Decoder).Write", ""},
	{DecodeBlock, "vendor/golang.org/x/net/http2/hpack.(*Decoder).Write", ""},
	{EncodeField, "golang.org/x/net/http2/hpack.(*Encoder).WriteField", ""},
	{EncodeField, "vendor/golang.org/x/net/http2/hpack.(*Encoder).WriteField", ""},
}

// Recovery returns the places for the taps that recover state, where
// the executable has the code. It takes emulated instructions only, at which
// the arguments are in registers and which run once a call: a function that
// offers none is left out, and with it what it would have told.
func Recovery(r io.ReaderAt) ([]Site, error) {
	var names []string
	for _, f := range recoveryFunctions {
		names = append(names, f.name)
	}
	exe, err := openExecutable(r, names)
	if err != nil {
		return nil, err
	}
	var sites []Site
	for _, rf := range recoveryFunctions {
		f, err := exe.function(rf.name)
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue
		}
		list, _ := f.decode() // the prologue is enough
		in, kind, ok := afterStackCheck(list)
		if !ok {
			continue
		}
		site := Site{Tap: rf.tap, Kind: kind, Addr: f.addr + in.off}
		if rf.tap == ReadFrame {
			if site.Layout = exe.layout(rf.home); site.Layout == nil {
				continue
			}
		}
		placed, err := exe.place(f, site)
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", rf.tap, err)
		}
		sites = append(sites, placed...)
	}
	return sites, nil
}
