package gate

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"h2trace/bpf/mounts"
	"h2trace/bpf/rights"
)

// Name is argv[0] of the gatekeeper. A program that calls Start must run only Main
// when it is started under this name.
const Name = "h2trace-gatekeeper"

// The descriptors that Start gives the gatekeeper.
const (
	socketFD  = 3
	targetsFD = 4
)

// gatekeeperNice gives the gatekeeper priority: all execs wait for it.
const gatekeeperNice = -10

// gatekeeperGC is how much garbage the gatekeeper may have, in percent of the memory
// in use. It produces little, and everything linked into h2trace counts as in use: by
// default 20,000 execs gathered some 6 MB before a collection.
const gatekeeperGC = 20

// Main is the gatekeeper. It returns when h2trace is gone. Start passes the
// arguments: the path of the only file system to mark, or "", the names of files to
// hold for every process, and the directories of cgroups.
func Main(args []string) {
	runtime.LockOSThread() // the priority is that of a thread
	debug.SetGCPercent(gatekeeperGC)
	_ = rights.Shield() // it fails on no kernel
	k, err := newKeeper(args)
	if err == nil {
		// What cannot be given up is no reason to hold nothing. h2trace check says what it is.
		_ = rights.Gatekeeper()
		err = sendMessage(socketFD, message{Kind: kindReady}, "")
	}
	if err == nil {
		err = k.loop()
		unix.Close(k.listener.fd) // this lets all execs continue, however long the rest takes
	}
	// There may be no reader.
	_ = sendMessage(socketFD, message{Kind: kindEnded}, err.Error())
}

func newKeeper(args []string) (*keeper, error) {
	if len(args) == 0 {
		return nil, errors.New("arguments missing")
	}
	// Process listings then show a name instead of "exe".
	_ = os.WriteFile("/proc/self/comm", []byte("h2trace-gate"), 0)
	_ = os.Chdir("/")
	// It ends with h2trace, which may write much after a signal.
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGPIPE)
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, gatekeeperNice) // it works without
	if err := closeInherited(); err != nil {
		return nil, err
	}
	targets, err := ebpf.NewMapFromFD(targetsFD)
	if err != nil {
		return nil, fmt.Errorf("open the map of targets: %w", err)
	}
	l, err := newListener()
	if err != nil {
		return nil, err
	}
	k := &keeper{
		listener: l,
		marker:   newMarker(l),
		targets:  targets,
		socket:   socketFD,
		names:    make(map[string]bool),
		known:    newKnownFiles(),
		asked:    make(map[fileID]*question),
	}
	for _, arg := range args[1:] {
		if !filepath.IsAbs(arg) {
			k.names[arg] = true
		} else if err := k.cgroups.add(arg); err != nil {
			return nil, err
		}
	}
	// Before the first mark, so that no mark is ever without it.
	if k.deadMan, err = newDeadMan(); err != nil {
		return nil, err
	}
	if only := args[0]; only != "" {
		k.mounts.Fd = -1 // poll(2) passes over negative descriptors
		return k, l.mark(only)
	}
	watch, err := mounts.NewWatch()
	if err != nil {
		return nil, err
	}
	k.mounts = watch.PollFd()
	_, err = l.markMounts(here)
	return k, err
}

// closeInherited closes what h2trace inherited from its parent, such as the pipes of
// make's jobserver: their other ends wait for the last copy. Descriptors that Go
// opened are close-on-exec and stay open.
func closeInherited() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd <= targetsFD {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			unix.Close(fd)
		}
	}
	return nil
}
