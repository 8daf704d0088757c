package bpf

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// DNS is a packet between a target and a name server. Payload belongs to the
// Collector and is valid until the next Read.
type DNS struct {
	Dir           int // Send or Recv
	Local, Remote netip.AddrPort
	Socket        uint64 // tells sockets apart
	TCP           bool
	Seq           uint32 // TCP: of the first byte
	Length        int    // of the payload, of which Payload is the beginning
	Payload       []byte
	Comm          string
	Life          Life
}

func (r *Record) parseDNS(sample []byte) error {
	d, err := view[probesDnsRecord](sample, int(unsafe.Sizeof(probesDnsRecord{})))
	if err != nil {
		return err
	}
	if int(d.Copied) > len(d.Payload) || int(d.H.Dir) > Recv {
		return fmt.Errorf("dns record with %d bytes, direction %d", d.Copied, d.H.Dir)
	}
	r.DNS = DNS{
		Dir:     int(d.H.Dir),
		Local:   addrPort(d.Family, d.Local.Addr, d.Local.Port),
		Remote:  addrPort(d.Family, d.Remote.Addr, d.Remote.Port),
		Socket:  d.Socket,
		TCP:     d.Tcp != 0,
		Seq:     d.Seq,
		Length:  int(d.Len),
		Payload: d.Payload[:d.Copied],
		Comm:    text(d.Comm[:]),
		Life:    Life(d.Life),
	}
	return nil
}

// dnsHooks are the programs that watch name resolution, and where they go.
var dnsHooks = map[string]ebpf.AttachType{
	dnsProgDnsConnect4: ebpf.AttachCGroupInet4Connect,
	dnsProgDnsConnect6: ebpf.AttachCGroupInet6Connect,
	dnsProgDnsSendmsg4: ebpf.AttachCGroupUDP4Sendmsg,
	dnsProgDnsSendmsg6: ebpf.AttachCGroupUDP6Sendmsg,
	dnsProgDnsEgress:   ebpf.AttachCGroupInetEgress,
	dnsProgDnsIngress:  ebpf.AttachCGroupInetIngress,
}

// watchDNS reports the packets between targets and name servers from now on.
// All else works without it.
func (c *Collector) watchDNS() error {
	root, err := cgroupRoot()
	if err != nil {
		return err
	}
	spec, err := loadDns()
	if err != nil {
		return fmt.Errorf("read the compiled programs: %w", err)
	}
	size := uint64(c.opts.BufferSize)
	if err := spec.Variables[dnsVarRingSize].Set(size); err != nil {
		return fmt.Errorf("set %s: %w", dnsVarRingSize, err)
	}
	shared := map[string]*ebpf.Map{
		dnsMapRing: c.probes.Ring, dnsMapCounters: c.probes.Counters, dnsMapTargets: c.probes.Targets,
	}
	spec.Maps[dnsMapRing].MaxEntries = uint32(size)
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: shared})
	if err != nil {
		return loadError(err)
	}
	defer coll.Close() // the links keep what they need
	var links []link.Link
	for name, where := range dnsHooks {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: root, Attach: where, Program: coll.Programs[name]})
		if err != nil {
			return errors.Join(fmt.Errorf("attach to cgroup %s: %w", root, err), closeLinks(links))
		}
		links = append(links, l)
	}
	c.hooks = append(c.hooks, links...)
	return nil
}

// cgroupRoot returns where cgroup v2 is mounted, maybe beside v1.
func cgroupRoot() (string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		// ID parent major:minor root mount-point options … - type source (proc_pid_mountinfo(5))
		mount, fs, ok := strings.Cut(s.Text(), " - ")
		fields := strings.Fields(mount)
		if ok && len(fields) > 4 && strings.HasPrefix(fs, "cgroup2 ") && fields[3] == "/" {
			return unescapeMount(fields[4]), nil
		}
	}
	return "", errors.New("cgroup v2 is not mounted")
}

var unescapeMount = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// DNSWatched says why name resolution is not watched, or nil.
func (c *Collector) DNSWatched() error { return c.noDNS }

// CheckDNS tries to watch name resolution, which observing also does without.
func CheckDNS() error {
	c, err := New(Options{BufferSize: MinBufferSize})
	if err != nil {
		return firstLine(err)
	}
	return errors.Join(c.noDNS, c.Close())
}
