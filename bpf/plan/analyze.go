package plan

import (
	"fmt"
	"io"
	"runtime"
)

const (
	symMemmove   = "runtime.memmove"
	symSlicecopy = "runtime.slicecopy"
	symTypes     = "runtime.types"
	symETypes    = "runtime.etypes"
)

// tapFunctions are the functions of the taps, in the order of attaching.
var tapFunctions = []struct {
	tap  Tap
	name string
}{
	{ClientHandshake, "crypto/tls.(*Conn).clientHandshake"},
	{ServerHandshake, "crypto/tls.(*Conn).serverHandshake"},
	{Close, "crypto/tls.(*Conn).Close"},
	{Read, "crypto/tls.(*Conn).Read"},
	{Write, "crypto/tls.(*Conn).Write"},
	{Stderr, "os.(*File).Write"},
}

// goCommand is the path of the go command's main package. Its messages on stderr name
// the module that it could not fetch.
const goCommand = "cmd/go"

// socketFunctions are functions of programs that use sockets: every such program has
// at least one of them, to connect, to listen, or to accept from an inherited
// listening socket.
var socketFunctions = []string{"net.socket", "net.(*netFD).accept"}

// Analyze plans an executable for this machine. The error is a *NotTraceableError when
// the file is readable but nothing in it can be captured, or a *NoTLSError.
func Analyze(r io.ReaderAt, mode Mode) (*Plan, error) {
	return AnalyzeFor(runtime.GOARCH, r, mode)
}

// AnalyzeFor plans an executable for an architecture, by its GOARCH.
func AnalyzeFor(goarch string, r io.ReaderAt, mode Mode) (*Plan, error) {
	names := append([]string{symMemmove, symSlicecopy, symTypes, symETypes, keyLogFunction, symHandshake, symFlush}, socketFunctions...)
	for _, t := range tapFunctions {
		names = append(names, t.name)
	}
	names = append(names, phaseFunctions...)
	exe, err := openExecutable(r, goarch, names)
	if err != nil {
		return nil, err
	}
	p := &Plan{GoVersion: exe.goVersion, BuildID: exe.buildID}
	for _, t := range tapFunctions {
		f, err := exe.function(t.name)
		if err != nil {
			return nil, err
		}
		if f == nil || t.tap == Stderr && exe.mainPath != goCommand {
			continue
		}
		sites, err := exe.sites(f, t.tap, mode)
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", t.tap, err)
		}
		p.Sites = append(p.Sites, sites...)
	}
	if p.Secrets, err = exe.secrets(mode); err != nil {
		return nil, err
	}
	if !p.has(Read) || !p.has(Write) {
		return nil, exe.withoutTLS(p.Secrets)
	}
	if p.Types, p.Errors, err = exe.planTypes(); err != nil {
		return nil, err
	}
	if p.Failures, err = exe.failures(); err != nil {
		return nil, err
	}
	return p, exe.planPhases(p)
}

// withoutTLS returns what can be seen of an executable without crypto/tls.
func (e *executable) withoutTLS(secrets []Site) error {
	for _, name := range socketFunctions {
		if f, err := e.function(name); err != nil {
			return err
		} else if f != nil {
			types, _, err := e.planTypes()
			if err != nil {
				return err
			}
			return &NoTLSError{GoVersion: e.goVersion, BuildID: e.buildID, Types: types, Secrets: secrets}
		}
	}
	return notTraceable(noTLS)
}

func (p *Plan) has(tap Tap) bool {
	for _, s := range p.Sites {
		if s.Tap == tap {
			return true
		}
	}
	return false
}

// sites chooses the places of one tap.
func (e *executable) sites(f *function, tap Tap, mode Mode) ([]Site, error) {
	list, decodeErr := f.decode()
	if mode == Auto {
		site, ok := e.cheapSite(f, list, tap, decodeErr == nil)
		if ok {
			return e.place(f, site)
		}
	}
	if tap == Stderr { // an entry runs again when the stack grows, and a message is worth no more
		return nil, nil
	}
	sites := []Site{{Tap: tap, Kind: Entry, Addr: f.addr}}
	if tap != Read && tap != Write {
		return e.place(f, sites...)
	}
	// A missed RET would lose data silently, so all of the code must be known.
	if decodeErr != nil {
		return nil, notTraceable("%s cannot be disassembled", f.name)
	}
	rets := list.returns()
	if len(rets) == 0 {
		return nil, notTraceable("%s has no RET instruction", f.name)
	}
	for _, off := range rets {
		sites = append(sites, Site{Tap: tap, Kind: Ret, Addr: f.addr + off})
	}
	return e.place(f, sites...)
}

// cheapSite finds an emulated instruction with the values that the tap needs.
// complete says that list is the whole function.
func (e *executable) cheapSite(f *function, list instructions, tap Tap, complete bool) (Site, bool) {
	if tap != Read {
		off, kind, ok := list.afterStackCheck()
		return Site{Tap: tap, Kind: kind, Addr: f.addr + off}, ok
	}
	slot, ok := list.connSlot()
	if !ok || !complete {
		return Site{}, false
	}
	site := Site{Tap: tap, ConnSlot: slot}
	copies := 0
	for _, c := range copyFunctions {
		sym, ok := e.symbols[c.name]
		if !ok {
			continue
		}
		for _, off := range f.callsTo(list, sym.addr) {
			site.Kind, site.Addr = c.kind, f.addr+off
			copies++
		}
	}
	// With more than one it is unknown which of them copies plaintext.
	return site, copies == 1
}

// copyFunctions are the functions that the compiler calls for copy(dst, src).
var copyFunctions = []struct {
	kind Kind
	name string
}{
	{Memmove, symMemmove},
	{Slicecopy, symSlicecopy}, // with -race, -msan and -asan
}

// place fills in the file offsets.
func (e *executable) place(f *function, sites ...Site) ([]Site, error) {
	for i := range sites {
		off, err := e.fileOffset(sites[i].Addr, 1)
		if err != nil {
			return nil, err
		}
		sites[i].Offset = off
	}
	return sites, nil
}
