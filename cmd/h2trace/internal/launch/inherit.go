package launch

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Signals is the part of a process's signal handling that survives exec: which
// signals it ignores and which it blocks. Bit n-1 stands for signal n, as in
// /proc/PID/status.
type Signals struct {
	Ignored, Blocked uint64
}

// numSignals is the number of signals of Linux (_NSIG less one).
const numSignals = 64

// The signal handling that exec keeps (SIG_DFL and SIG_IGN of signal.h).
const (
	signalDefault = 0
	signalIgnore  = 1
)

// InheritedSignals returns the signal handling that h2trace was started with, for
// COMMAND. The Go runtime installs handlers for most signals before main runs. So a
// SIGPIPE or SIGQUIT ignored by the parent would reach COMMAND as the default. The
// runtime keeps the original state in two variables, which this function reads. A
// binary without symbol table has no readable variables. Then the signals that the
// runtime does not touch still count: SIGHUP (nohup), SIGINT, and the stop signals of
// the terminal. Call it at the start of main, before h2trace itself ignores anything.
func InheritedSignals() Signals {
	now := currentSignals()
	start, err := runtimeSignals()
	if err != nil {
		return now
	}
	// The runtime has no record of the signals that it does not touch.
	start.Ignored |= now.Ignored
	return start
}

// runtimeSignals reads the runtime's own record of the state at its start.
func runtimeSignals() (Signals, error) {
	// The address of this function reveals the load offset of a position independent
	// executable.
	self := runtime.FuncForPC(reflect.ValueOf(runtimeSignals).Pointer())
	const nameOfHandlers, nameOfMask = "runtime.fwdSig", "runtime.initSigmask"
	symbols, err := symbolsNamed(nameOfHandlers, nameOfMask, self.Name())
	if err != nil {
		return Signals{}, err
	}
	handlers, mask, here := symbols[nameOfHandlers], symbols[nameOfMask], symbols[self.Name()]
	const pointer = uint64(unsafe.Sizeof(uintptr(0)))
	if handlers.Size != (numSignals+1)*pointer || mask.Size != numSignals/8 || here.Value == 0 {
		return Signals{}, fmt.Errorf("runtime %s keeps signals elsewhere", runtime.Version())
	}
	bias := uint64(self.Entry()) - here.Value
	raw := make([]byte, handlers.Size+mask.Size)
	// A process may always do that to itself, while /proc/self/mem is root's, see rights.Shield.
	n, err := unix.ProcessVMReadv(os.Getpid(), []unix.Iovec{{Base: &raw[0], Len: uint64(len(raw))}}, []unix.RemoteIovec{
		{Base: uintptr(handlers.Value + bias), Len: int(handlers.Size)}, {Base: uintptr(mask.Value + bias), Len: int(mask.Size)},
	}, 0)
	if err == nil && n != len(raw) {
		err = unix.EFAULT
	}
	if err != nil {
		return Signals{}, os.NewSyscallError("process_vm_readv", err)
	}
	state := Signals{Blocked: binary.NativeEndian.Uint64(raw[handlers.Size:])}
	for n := uint64(1); n <= numSignals; n++ {
		switch h := binary.NativeEndian.Uint64(raw[n*pointer:]); h {
		case signalDefault:
		case signalIgnore:
			state.Ignored |= 1 << (n - 1)
		default: // exec leaves no handlers, so this is not the record
			return Signals{}, fmt.Errorf("signal %d cannot have had handler %#x", n, h)
		}
	}
	return state, nil
}

// symbolsNamed returns symbols of the own executable. It looks for their names, as
// elf.File.Symbols allocates all of them, tens of thousands.
func symbolsNamed(names ...string) (map[string]elf.Sym64, error) {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	section := f.SectionByType(elf.SHT_SYMTAB)
	if section == nil || int(section.Link) >= len(f.Sections) {
		return nil, elf.ErrNoSymbols
	}
	table, err := section.Data()
	if err != nil {
		return nil, err
	}
	text, err := f.Sections[section.Link].Data()
	if err != nil {
		return nil, err
	}
	wanted := make(map[uint32]string, len(names))
	for _, name := range names {
		if at := bytes.Index(text, []byte("\x00"+name+"\x00")); at >= 0 {
			wanted[uint32(at+1)] = name
		}
	}
	found := make(map[string]elf.Sym64, len(names))
	for ; len(table) >= elf.Sym64Size; table = table[elf.Sym64Size:] {
		name, ok := wanted[binary.NativeEndian.Uint32(table)]
		if !ok {
			continue
		}
		var symbol elf.Sym64
		if _, err := binary.Decode(table, binary.NativeEndian, &symbol); err != nil {
			return nil, err
		}
		found[name] = symbol
	}
	return found, nil
}

// currentSignals reads which signals this process ignores and blocks now.
func currentSignals() Signals {
	var state Signals
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return state
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		bits, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		switch {
		case err != nil:
		case key == "SigIgn":
			state.Ignored = bits
		case key == "SigBlk":
			state.Blocked = bits
		}
	}
	return state
}

// kernelSigaction is struct sigaction of rt_sigaction(2) with every field but
// the handler left zero, whatever their order on the architecture.
type kernelSigaction struct {
	handler uint64
	rest    [3]uint64
}

// apply sets this signal handling for the calling thread, without the Go runtime. The
// runtime must not be asked for signals afterwards, so the process must be about to
// exec. The caller holds the thread with runtime.LockOSThread.
func (s Signals) apply() error {
	for n := uint64(1); n <= numSignals; n++ {
		if n == uint64(unix.SIGKILL) || n == uint64(unix.SIGSTOP) {
			continue
		}
		action := kernelSigaction{handler: signalDefault}
		if s.Ignored&(1<<(n-1)) != 0 {
			action.handler = signalIgnore
		}
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION,
			uintptr(n), uintptr(unsafe.Pointer(&action)), 0, numSignals/8, 0, 0)
		if errno != 0 {
			return fmt.Errorf("rt_sigaction: %w", errno)
		}
	}
	mask := unix.Sigset_t{Val: [16]uint64{s.Blocked}}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil); err != nil {
		return fmt.Errorf("rt_sigprocmask: %w", err)
	}
	return nil
}
