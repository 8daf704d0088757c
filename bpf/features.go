//go:build linux

package bpf

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"

	"h2trace/bpf/rights"
)

// Feature is one thing that a capture needs from the kernel or the user.
type Feature struct {
	Name   string
	Detail string // what was found, when Err is nil
	Err    error  // nil: it is there
	Advice string // what to do about Err
}

// CheckFeatures tries everything that New and Attach need, one by one.
func CheckFeatures() []Feature {
	list := []Feature{kernelRelease(), kernelBTF(), pidNamespace(), descriptors()}
	list = append(list, capabilities()...)
	list = append(list, probe("ring buffer", features.HaveMapType(ebpf.RingBuf), "needs Linux 5.8"))
	list = append(list, checkOptional()...)
	return append(list, loadAndAttach()...)
}

func probe(name string, err error, advice string) Feature {
	if errors.Is(err, unix.EPERM) {
		advice = adviceRoot
	}
	return Feature{Name: name, Err: err, Advice: advice}
}

const adviceRoot = "run as root, or give h2trace CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE; " +
	"in a container also lift seccomp's ban on bpf(2) and perf_event_open(2)"

func kernelRelease() Feature {
	f := Feature{Name: "kernel", Advice: "needs Linux on amd64 or arm64"}
	var uts unix.Utsname
	if f.Err = unix.Uname(&uts); f.Err == nil {
		f.Detail = unix.ByteSliceToString(uts.Sysname[:]) + " " +
			unix.ByteSliceToString(uts.Release[:]) + " " + unix.ByteSliceToString(uts.Machine[:])
	}
	return f
}

const btfPath = "/sys/kernel/btf/vmlinux"

func kernelBTF() Feature {
	f := Feature{Name: "BTF", Detail: btfPath, Advice: "needs a kernel built with CONFIG_DEBUG_INFO_BTF=y"}
	_, f.Err = os.Stat(btfPath)
	return f
}

// initialPIDNamespace is the inode of the namespace whose process ids BPF programs
// see (PROC_PID_INIT_INO in include/linux/proc_ns.h).
const initialPIDNamespace = 0xeffffffc

func pidNamespace() Feature {
	f := Feature{
		Name:   "PID namespace",
		Detail: "the initial one",
		Advice: "run h2trace on the host, or in a container with the process ids of the host; it sees the processes in containers from there",
	}
	var st unix.Stat_t
	if f.Err = unix.Stat("/proc/self/ns/pid", &st); f.Err == nil && st.Ino != initialPIDNamespace {
		f.Err = errors.New("not the initial one, whose process ids the kernel reports")
	}
	return f
}

// minDescriptors is how many files a capture may open: programs, maps and
// tracepoints, and the probes of cached executables.
const minDescriptors = 512

func descriptors() Feature {
	f := Feature{Name: "open files", Advice: "raise the hard limit, see ulimit -n"}
	var limit unix.Rlimit
	if f.Err = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); f.Err == nil && limit.Cur < minDescriptors {
		f.Err = fmt.Errorf("%d are allowed, %d are needed", limit.Cur, minDescriptors)
	}
	f.Detail = fmt.Sprintf("%d are allowed", limit.Cur)
	return f
}

// liftMemlock removes the limit of locked memory, which does not apply to maps and
// programs since Linux 5.11.
func liftMemlock() error {
	if sinceLinux(5, 11) {
		return nil
	}
	return unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
}

// haveUprobeMulti reports whether one link attaches a program at many places. Where the library cannot
// find out, see anyRelease, the release tells: 6.6.
func haveUprobeMulti() bool {
	err := features.HaveBPFLinkUprobeMulti()
	return err == nil || !errors.Is(err, ebpf.ErrNotSupported) && sinceLinux(6, 6)
}

// sinceLinux reports whether the kernel is known to be of a release, or newer.
func sinceLinux(major, minor int) bool {
	var uts unix.Utsname
	if unix.Uname(&uts) != nil {
		return false
	}
	return releaseSince(unix.ByteSliceToString(uts.Release[:]), major, minor)
}

// releaseSince compares a release as uname(2) has it, such as 5.10.0-46-cloud-amd64.
func releaseSince(release string, major, minor int) bool {
	var is [2]int
	if n, _ := fmt.Sscanf(release, "%d.%d", &is[0], &is[1]); n < len(is) {
		return false
	}
	return slices.Compare(is[:], []int{major, minor}) >= 0
}

// neededCapabilities are those without which something fails, see capabilities(7).
var neededCapabilities = []struct {
	name string
	is   cap.Value
	why  string
}{
	{"CAP_BPF", cap.BPF, "to load BPF programs"},
	{"CAP_PERFMON", cap.PERFMON, "to attach uprobes and tracepoints"},
	{"CAP_SYS_PTRACE", cap.SYS_PTRACE, "to look at executables of other users' processes"},
}

func capabilities() []Feature {
	var list []Feature
	for _, c := range neededCapabilities {
		f := Feature{Name: c.name, Detail: c.why, Advice: adviceRoot}
		// CAP_SYS_ADMIN includes the first two.
		admin := c.is != cap.SYS_PTRACE && rights.Has(cap.SYS_ADMIN)
		if !rights.Has(c.is) && !admin {
			f.Err = fmt.Errorf("not held, and needed %s", c.why)
		}
		list = append(list, f)
	}
	return list
}

// loadAndAttach does what a capture does, on trial.
func loadAndAttach() []Feature {
	load := Feature{Name: "load and attach to tracepoints"}
	uprobe := Feature{Name: "attach a uprobe"}
	c, err := New(Options{BufferSize: MinBufferSize})
	if err != nil {
		load.Err, load.Advice = firstLine(err), explain(err)
		return []Feature{load}
	}
	if err := tryUprobe(c.Executables); err != nil {
		uprobe.Err, uprobe.Advice = err, explain(err)
	}
	if err := c.Close(); err != nil && load.Err == nil {
		load.Err = err
	}
	return []Feature{load, uprobe}
}

// tryUprobe puts a probe that does nothing on the entry point of h2trace itself,
// which has already run.
func tryUprobe(x *Executables) error {
	const self = "/proc/self/exe"
	f, err := elf.Open(self)
	if err != nil {
		return err
	}
	defer f.Close()
	exe, err := link.OpenExecutable(self)
	if err != nil {
		return err
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && f.Entry >= p.Vaddr && f.Entry < p.Vaddr+p.Filesz {
			self := &Executable{}
			prog, cookie, err := x.sites.enter(self, probesProgEmpty, probesSite{})
			if err != nil {
				return err
			}
			g := probeGroup{prog: prog, offsets: []uint64{f.Entry - p.Vaddr + p.Off}, cookies: []uint64{cookie}}
			links, err := g.attach(exe, x.sites.multi)
			self.links = links
			return errors.Join(err, x.detach(self))
		}
	}
	return errors.New("own executable has no entry point")
}

// explain returns advice for an error of New or Attach, or "".
func explain(err error) string {
	if verifier, ok := errors.AsType[*ebpf.VerifierError](err); ok && len(verifier.Log) > 0 {
		return "" // often with EACCES, without a lack of rights
	}
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return adviceRoot
	case errors.Is(err, ebpf.ErrNotSupported):
		return "needs Linux 5.10 or newer"
	}
	return ""
}

// withAdvice adds advice to an error.
func withAdvice(err error) error {
	if errors.Is(err, btf.ErrNotFound) || errors.Is(err, ebpf.ErrNotSupported) && !pathExists(btfPath) {
		err = errors.New("this kernel has no BTF, which tells where its fields are")
		return fmt.Errorf("%w; %s", err, kernelBTF().Advice)
	}
	if advice := explain(err); advice != "" {
		return fmt.Errorf("%w; %s", err, advice)
	}
	return err
}

func pathExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// firstLine cuts off a verifier's log.
func firstLine(err error) error {
	line, rest, _ := strings.Cut(err.Error(), "\n")
	if rest == "" {
		return err
	}
	return errors.New(line)
}
