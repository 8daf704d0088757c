package plan

import "io"

// The taps that report the header fields that the process itself encodes and decodes,
// and the frames that these belong to.
const (
	// VerifyEncoded is where a field is encoded.
	VerifyEncoded Tap = "verify_encoded"
	// VerifyWritten is where the HEADERS frame of the encoded fields is written, and
	// VerifyPromised where their PUSH_PROMISE frame is.
	VerifyWritten  Tap = "verify_written"
	VerifyPromised Tap = "verify_promised"
	// VerifyFragment is where a fragment of a field block is about to be decoded.
	VerifyFragment Tap = "verify_fragment"
	// VerifyDecoded is where a decoded field is handed on.
	VerifyDecoded Tap = "verify_decoded"
)

// verifyFunctions are their functions, as in recoveryFunctions. The first ones report
// what the fields of the others belong to.
var verifyFunctions = []tapFunction{
	{VerifyWritten, "golang.org/x/net/http2.(*Framer).WriteHeaders", ""},
	{VerifyWritten, "net/http.(*http2Framer).WriteHeaders", ""},
	{VerifyWritten, "net/http/internal/http2.(*Framer).WriteHeaders", ""},
	{VerifyPromised, "golang.org/x/net/http2.(*Framer).WritePushPromise", ""},
	{VerifyPromised, "net/http.(*http2Framer).WritePushPromise", ""},
	{VerifyPromised, "net/http/internal/http2.(*Framer).WritePushPromise", ""},
	{VerifyFragment, "golang.org/x/net/http2/hpack.(*Decoder).Write", ""},
	{VerifyFragment, "vendor/golang.org/x/net/http2/hpack.(*Decoder).Write", ""},
	{VerifyDecoded, "golang.org/x/net/http2/hpack.(*Decoder).callEmit", ""},
	{VerifyDecoded, "vendor/golang.org/x/net/http2/hpack.(*Decoder).callEmit", ""},
	{VerifyEncoded, "golang.org/x/net/http2/hpack.(*Encoder).WriteField", ""},
	{VerifyEncoded, "vendor/golang.org/x/net/http2/hpack.(*Encoder).WriteField", ""},
}

// emitters call callEmit for each field that they decode, unless the compiler inlined
// it: then a probe there would miss some fields.
var emitters = [...]string{"parseFieldIndexed", "parseFieldLiteral"}

// Verification returns the places of the taps that verify headers, where the
// executable has the code, as Recovery does. A direction that lacks a tap has none:
// sent fields need VerifyEncoded and VerifyWritten, received ones VerifyFragment and
// VerifyDecoded.
func Verification(r io.ReaderAt) ([]Site, error) {
	names := functionNames(verifyFunctions)
	for _, hpack := range hpackPackages {
		for _, f := range emitters {
			names = append(names, hpack+".(*Decoder)."+f)
		}
	}
	exe, err := openExecutable(r, anyMachine, names)
	if err != nil {
		return nil, err
	}
	var functions []tapFunction
	for _, tf := range verifyFunctions {
		if tf.tap == VerifyDecoded {
			called, err := exe.emits(tf.name)
			if err != nil {
				return nil, err
			}
			if !called {
				continue
			}
		}
		functions = append(functions, tf)
	}
	sites, err := exe.entrances(functions)
	if err != nil {
		return nil, err
	}
	return complete(sites), nil
}

// hpackPackages are golang.org/x/net's hpack as its own module, and as the standard
// library vendors it.
var hpackPackages = [...]string{
	"golang.org/x/net/http2/hpack",
	"vendor/golang.org/x/net/http2/hpack",
}

// emits reports whether all decoding of the package goes through its callEmit.
func (e *executable) emits(callEmit string) (bool, error) {
	target, ok := e.symbols[callEmit]
	if !ok {
		return false, nil
	}
	for _, name := range emitters {
		f, err := e.function(callEmit[:len(callEmit)-len("callEmit")] + name)
		if f == nil || err != nil {
			return false, err
		}
		list, err := f.decode()
		if err != nil || len(f.callsTo(list, target.addr)) == 0 {
			return false, nil //nolint:nilerr // code that is not understood is not relied on
		}
	}
	return true, nil
}

// complete drops the taps that are useless without another one.
func complete(sites []Site) []Site {
	has := make(map[Tap]bool)
	for _, s := range sites {
		has[s.Tap] = true
	}
	var kept []Site
	for _, s := range sites {
		sent := s.Tap == VerifyEncoded || s.Tap == VerifyWritten || s.Tap == VerifyPromised
		if sent && has[VerifyEncoded] && has[VerifyWritten] || !sent && has[VerifyFragment] && has[VerifyDecoded] {
			kept = append(kept, s)
		}
	}
	return kept
}
