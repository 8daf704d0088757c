//go:build linux

package bpf

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"h2trace/bpf/layout"
	"h2trace/bpf/plan"
)

// probeSites gives each probe its program, and gives the program the values of the
// probe's site. Executables.mu guards it, except for the layouts, which have their own locks.
type probeSites struct {
	opts     *Options
	programs *programSet
	multi    bool      // uprobes attach by uprobe_multi
	entries  *ebpf.Map // by index
	indexes  siteTable
	errors   errorTable
	layouts  *layoutTable
	tls      *tlsLayouts
}

// placed is a site with its program and the values that it gets there.
type placed struct {
	plan.Site
	program string
	value   probesSite
}

// enterAll enters sites of an executable into the sites map, and groups them by
// program, in their order.
func (s *probeSites) enterAll(exe *Executable, sites []plan.Site) ([]*probeGroup, error) {
	list := make([]placed, len(sites))
	for i, site := range sites {
		value, err := s.siteValue(exe, site)
		if err != nil {
			return nil, err
		}
		list[i] = placed{site, s.programName(site), value}
	}
	if err := s.load(list); err != nil {
		return nil, err
	}
	var groups []*probeGroup
	var prog *ebpf.Program
	var cookie uint64
	for i, p := range list {
		if i == 0 || list[i-1].value != p.value || list[i-1].program != p.program { // all RETs of a function are alike
			var err error
			if prog, cookie, err = s.enter(exe, p.program, p.value); err != nil {
				return nil, fmt.Errorf("describe the %s probe: %w", p.Tap, err)
			}
		}
		if n := len(groups); n == 0 || groups[n-1].prog != prog {
			groups = append(groups, &probeGroup{prog: prog, tap: p.Tap})
		}
		g := groups[len(groups)-1]
		g.offsets = append(g.offsets, p.Offset)
		g.cookies = append(g.cookies, cookie)
	}
	return groups, nil
}

// load loads the programs of sites, several at a time.
func (s *probeSites) load(list []placed) error {
	var keys []programKey
	for _, p := range list {
		if key := s.programs.keyOf(p.program, p.value); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return s.programs.prepare(context.Background(), keys...)
}

// enter enters the values of a site. It returns the program, and the cookie by which
// the program recognizes the site.
func (s *probeSites) enter(exe *Executable, program string, site probesSite) (*ebpf.Program, uint64, error) {
	key := s.programs.keyOf(program, site)
	prog, err := s.programs.take(key)
	if err != nil {
		return nil, 0, err
	}
	exe.programs = append(exe.programs, key)
	if s.programs.copies {
		return prog, 0, nil
	}
	index, err := s.indexes.take()
	if err != nil {
		return nil, 0, err
	}
	exe.sites = append(exe.sites, index)
	return prog, uint64(index), s.entries.Put(index, site)
}

func (s *probeSites) siteValue(exe *Executable, site plan.Site) (probesSite, error) {
	types := exe.types()
	v := probesSite{
		TcpconnHash: types.TCPConnHash,
		ConnHash:    types.ConnHash,
		RawconnHash: types.RawConnHash,
		ConnSlot:    site.ConnSlot,
	}
	if site.Kind.InStackCheck() {
		v.StackCheck = 1
	}
	if site.UnixConnHash != 0 {
		v.TcpconnHash, v.UnixOnly = site.UnixConnHash, 1
	}
	if types.OldFields {
		v.OldFields = 1
	}
	switch site.Tap {
	case plan.ClientHandshake:
		v.Role = uint8(RoleClient)
	case plan.ServerHandshake:
		v.Role = uint8(RoleServer)
	case plan.HandshakeEnd:
		v.Errors = s.errors.enter(exe.Plan.Errors)
	case plan.HandshakeFailed:
		v.Errors, v.Event = s.errors.enter(exe.Plan.Errors), uint8(probesEventKindEVENT_FAILURE)
	case plan.KeyLog:
		v.Event = uint8(probesEventKindEVENT_SECRET)
	case plan.Stderr:
		v.Event = uint8(probesEventKindEVENT_MESSAGE)
	}
	if p := exe.Plan; p != nil && p.TLS != nil && !s.opts.unknownRelease {
		setTLS(&v, site.Tap, p.TLS)
		if !exe.Calls {
			setPlace(&v, site.Tap, p)
		}
	}
	var err error
	if site.Tap == plan.Spot {
		v.Layout, err = s.tls.enter(exe.Plan.TLS)
		return v, err
	}
	v.Layout, err = s.layouts.enter(layoutOf(site))
	return v, err
}

// setTLS fills in the offsets in a tls.Conn that the probes of a tap need.
func setTLS(v *probesSite, tap plan.Tap, l *layout.TLS) {
	switch tap {
	case plan.ClientHandshake, plan.ServerHandshake, plan.HandshakeFailed, plan.Write:
		v.TlsVersion = l.Version
	case plan.HandshakeEnd:
		v.TlsVersion, v.TlsCipher, v.TlsResumed, v.TlsAlpn, v.TlsSni = l.Version, l.Cipher, l.Resumed, l.ALPN, l.SNI
	case plan.Close:
		v.TlsReadErr = l.ReadErr
	}
}

// setPlace fills in what the probes of the recovery need to find connections whose bytes
// come from packets, and how far their process has opened these.
func setPlace(v *probesSite, tap plan.Tap, p *plan.Plan) {
	switch tap {
	case plan.ReadFrame, plan.ProcessFrame, plan.WriteHeaders, plan.Spot:
		v.TlsconnHash, v.TlsRawInput, v.TlsInput = p.TLSConnHash, p.TLS.RawInput, p.TLS.Input
	}
}

// programName returns the BPF program for the places of the values at a site.
func (s *probeSites) programName(site plan.Site) string {
	if s.opts.Empty || site.Tap == s.opts.Deaf {
		return probesProgEmpty
	}
	switch site.Tap {
	case plan.ClientHandshake, plan.ServerHandshake:
		return probesProgHandshake
	case plan.Close:
		return probesProgConnClose
	case plan.HandshakeEnd:
		return probesProgHandshakeRet
	case plan.HandshakeFailed, plan.KeyLog, plan.Stderr:
		return probesProgEvent
	case plan.EncodeField:
		return probesProgHpackEncode
	case plan.DecodeBlock:
		return probesProgHpackDecode
	case plan.WriteHeaders:
		return probesProgWriteHeaders
	case plan.ReadFrame:
		return probesProgReadFrame
	case plan.ProcessFrame:
		return probesProgProcessFrame
	case plan.VerifyEncoded:
		return probesProgVerifyEncode
	case plan.VerifyWritten:
		return probesProgVerifyWrite
	case plan.VerifyPromised:
		return probesProgVerifyPromise
	case plan.VerifyFragment:
		return probesProgVerifyDecode
	case plan.VerifyDecoded:
		return probesProgVerifyEmit
	case plan.Spot:
		if site.Kind == plan.Memmove || site.Kind == plan.Slicecopy {
			return probesProgSpotSlot
		}
		return probesProgSpotArgs
	case plan.Read:
		switch site.Kind {
		case plan.Memmove:
			return probesProgReadMemmove
		case plan.Slicecopy:
			return probesProgReadSlicecopy
		case plan.Entry:
			return probesProgReadEntry
		}
		return probesProgReadRet
	}
	switch site.Kind {
	case plan.Entry:
		return probesProgWriteEntry
	case plan.Ret:
		return probesProgWriteRet
	}
	return probesProgWriteArgs
}

// free returns the sites and programs of an executable whose probes are gone.
func (s *probeSites) free(exe *Executable) error {
	var err error
	for _, index := range exe.sites {
		s.indexes.free(index)
	}
	for _, key := range exe.programs {
		err = errors.Join(err, s.programs.drop(key))
	}
	exe.sites, exe.programs = nil, nil
	return err
}

// attach attaches groups of probes to an executable. If it fails, the executable
// keeps those already attached.
func (s *probeSites) attach(exe *Executable, target *link.Executable, groups []*probeGroup) error {
	for _, g := range groups {
		links, err := g.attach(target, s.multi)
		exe.links = append(exe.links, links...)
		if err != nil {
			return err
		}
	}
	return nil
}

// maxSites is the size of the sites map in kernel/compat.h.
const maxSites = 8192

// siteTable hands out indexes of the sites map.
type siteTable struct {
	next uint32
	idle []uint32
}

func (t *siteTable) take() (uint32, error) {
	if n := len(t.idle); n > 0 {
		index := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return index, nil
	}
	if t.next == maxSites {
		return 0, fmt.Errorf("more than %d probes", maxSites)
	}
	t.next++
	return t.next - 1, nil
}

func (t *siteTable) free(index uint32) { t.idle = append(t.idle, index) }
