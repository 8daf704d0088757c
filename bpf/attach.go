package bpf

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"h2trace/bpf/layout"
	"h2trace/bpf/plan"
)

// attachPlan attaches all sites of a plan or none. The file is named through
// its descriptor, so it is this inode whatever its path holds meanwhile.
func (c *Collector) attachPlan(exe *Executable, f *os.File) error {
	through, err := exe.secure(f)
	if err != nil {
		return err
	}
	defer through.Close()
	target, err := openTarget(through)
	if err != nil {
		return err
	}
	// Those first: what they tell is of what the others see.
	if c.recovering {
		if err := c.attachRecovery(exe, f); err != nil {
			return withAdvice(errors.Join(err, c.detach(exe)))
		}
	}
	if c.opts.Verify && !c.opts.Empty {
		if exe.Verified, err = plan.Verification(f); err != nil {
			return errors.Join(err, c.detach(exe))
		}
	}
	phases := exe.Plan.Phases
	if c.opts.FramesOnly {
		phases = nil
	}
	groups, err := c.enterSites(exe, slices.Concat(exe.Verified, phases, exe.Plan.Sites), false)
	for _, g := range groups {
		if err == nil {
			var links []link.Link
			links, err = g.attach(target, c.multi)
			exe.hold(g.tap, links)
		}
	}
	if err != nil {
		return withAdvice(errors.Join(err, c.detach(exe)))
	}
	return nil
}

// secure makes it safe to have probes in an executable, the file f. It returns what to
// attach them through, which is to be closed then.
func (exe *Executable) secure(f *os.File) (*os.File, error) {
	through, err := throughOwnMount(f)
	if err == nil && exe.mount == 0 {
		exe.mount = listedMountOf(f)
	}
	if err != nil {
		if through, err = os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd())); err != nil {
			return nil, fmt.Errorf("attach probes: %w", err)
		}
	}
	if exe.lease == nil {
		exe.lease = lease(through)
	}
	return through, nil
}

// openTarget opens a file for probes. They are attached to what its descriptor
// leads to, as long as it is open.
func openTarget(f *os.File) (*link.Executable, error) {
	target, err := link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("attach probes: %w", err)
	}
	return target, nil
}

// enterSites puts sites of an executable into the sites map and groups them by
// the program that serves them, in their order. late says that they take the
// place of others.
func (c *Collector) enterSites(exe *Executable, sites []plan.Site, late bool) ([]*probeGroup, error) {
	var groups []*probeGroup
	type entered struct {
		name   string
		site   probesSite
		prog   *ebpf.Program
		cookie uint64
	}
	var last entered // the RETs of a function are all alike
	for _, site := range sites {
		value, err := c.siteValue(exe, site)
		if err != nil {
			return nil, err
		}
		if late {
			value.Late = 1
		}
		name := c.programName(site)
		if last.prog == nil || last.site != value || last.name != name {
			prog, cookie, err := c.enterSite(exe, name, value)
			if err != nil {
				return nil, fmt.Errorf("describe the %s probe: %w", site.Tap, err)
			}
			last = entered{name, value, prog, cookie}
		}
		prog, cookie := last.prog, last.cookie
		if n := len(groups); n == 0 || groups[n-1].prog != prog {
			groups = append(groups, &probeGroup{prog: prog, tap: site.Tap})
		}
		g := groups[len(groups)-1]
		g.offsets = append(g.offsets, site.Offset)
		g.cookies = append(g.cookies, cookie)
	}
	return groups, nil
}

// enterSite tells a program what is to be found at a site, and returns it and
// what tells it that a hit is one of that site.
func (c *Collector) enterSite(exe *Executable, program string, site probesSite) (*ebpf.Program, uint64, error) {
	key := programKey{name: program}
	if c.programs.copies {
		key.site = site
	}
	prog, err := c.programs.take(key)
	if err != nil {
		return nil, 0, err
	}
	exe.programs = append(exe.programs, key)
	if c.programs.copies {
		return prog, 0, nil
	}
	index, err := c.sites.take()
	if err != nil {
		return nil, 0, err
	}
	exe.sites = append(exe.sites, index)
	return prog, uint64(index), c.probes.Sites.Put(index, site)
}

func (c *Collector) siteValue(exe *Executable, site plan.Site) (probesSite, error) {
	types := exe.types()
	v := probesSite{
		TcpconnHash: types.TCPConnHash,
		ConnHash:    types.ConnHash,
		RawconnHash: types.RawConnHash,
		ConnSlot:    site.ConnSlot,
	}
	if site.Kind == plan.StackCheck {
		v.StackCheck = 1
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
		v.Errors = c.enterErrors(exe.Plan.Errors)
	}
	if p := exe.Plan; p != nil && p.TLS != nil && !c.opts.unknownRelease {
		setTLS(&v, site.Tap, p.TLS)
	}
	var err error
	v.Layout, err = c.enterLayout(layoutOf(site))
	return v, err
}

// setTLS tells the probes of a tap where a tls.Conn has the fields that they want.
func setTLS(v *probesSite, tap plan.Tap, l *layout.TLS) {
	switch tap {
	case plan.ClientHandshake, plan.ServerHandshake, plan.Write:
		v.TlsVersion = l.Version
	case plan.HandshakeEnd:
		v.TlsVersion, v.TlsCipher, v.TlsResumed, v.TlsAlpn, v.TlsSni = l.Version, l.Cipher, l.Resumed, l.ALPN, l.SNI
	case plan.Close:
		v.TlsReadErr = l.ReadErr
	}
}

// programName names the BPF program that knows where the values are at a site.
func (c *Collector) programName(site plan.Site) string {
	if c.opts.Empty || site.Tap == c.opts.Deaf && site.Kind != plan.Entry && site.Kind != plan.Ret {
		return probesProgEmpty
	}
	switch site.Tap {
	case plan.ClientHandshake, plan.ServerHandshake:
		return probesProgHandshake
	case plan.Close:
		return probesProgConnClose
	case plan.HandshakeEnd:
		return probesProgHandshakeRet
	case plan.Certificate:
		return probesProgCertificate
	case plan.CertificateEnd:
		return probesProgCertificateRet
	case plan.Stderr:
		return probesProgFileWrite
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
	case plan.VerifyFragment:
		return probesProgVerifyDecode
	case plan.VerifyDecoded:
		return probesProgVerifyEmit
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

// maxSites is the size of the sites map in compat.h.
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
