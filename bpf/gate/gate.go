package gate

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Options are fixed when a Gate is created.
type Options struct {
	// Targets is the BPF map of processes to hold, by process id.
	Targets *ebpf.Map
	// Names are base names of files that are held for every process.
	Names []string
	// Cgroups are directories of cgroup v2: processes in them, and below, are held, too.
	Cgroups []string
	// Attach puts probes into a file that a process is about to execute. own is the same
	// file through a private mount, or nil where it can have none. The probes
	// stay until release is called. release is nil when the file can have none.
	// Without an error, no process is held for the file again until its release. The
	// Gate closes the files afterwards, and makes one call at a time.
	Attach func(pid int, f, own *os.File) (release func(), err error)
	// Ended is called once, with the reason, when the gatekeeper ends before Close.
	Ended func(error)
	// Only is a path on the only file system to mark; "" marks all.
	Only string
}

// Gate is h2trace's end of the gate. Its methods are safe for concurrent use.
type Gate struct {
	opts    Options
	socket  int
	keeper  *os.Process
	served  chan struct{}     // closed when no Attach runs any more
	ended   chan struct{}     // closed when the gatekeeper has ended
	pins    map[fileID]func() // releases of the files that are not asked about again
	closing atomic.Bool
	late    atomic.Uint64
	close   sync.Once
}

// readyTime is how long the gatekeeper may take to set its marks.
const readyTime = 2 * time.Second

// Start starts the gatekeeper. After it returns without error, no target executes a
// file on a marked file system before Attach has returned for it, or Bound has
// passed. It executes /proc/self/exe under Name, and must be called before anything
// else holds execs because of this process.
func Start(opts Options) (*Gate, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	g := &Gate{opts: opts, socket: pair[0], served: make(chan struct{}), ended: make(chan struct{}), pins: make(map[fileID]func())}
	err = g.start(pair[1])
	unix.Close(pair[1])
	if err != nil {
		unix.Close(g.socket)
		return nil, err
	}
	if err := g.awaitReady(); err != nil {
		unix.Close(g.socket)
		_ = g.keeper.Kill() // it may have ended
		_, _ = g.keeper.Wait()
		return nil, err
	}
	go g.serve()
	return g, nil
}

// start executes the gatekeeper in a session of its own, so that neither Ctrl-Z nor
// Ctrl-C reaches it. The socket is all that it can write to.
func (g *Gate) start(socket int) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	files := []uintptr{
		null.Fd(), null.Fd(), null.Fd(),
		socketFD:  uintptr(socket),
		targetsFD: uintptr(g.opts.Targets.FD()),
	}
	pid, err := syscall.ForkExec("/proc/self/exe", slices.Concat([]string{Name, g.opts.Only}, g.opts.Names, g.opts.Cgroups), &syscall.ProcAttr{
		Env:   []string{},
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return fmt.Errorf("start the gatekeeper: %w", err)
	}
	g.keeper, err = os.FindProcess(pid)
	return err
}

func (g *Gate) awaitReady() error {
	polled := []unix.PollFd{{Fd: int32(g.socket), Events: unix.POLLIN}}
	end := time.Now().Add(readyTime)
	for {
		n, err := unix.Poll(polled, int(max(0, time.Until(end)).Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n > 0 {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("the gatekeeper was not ready within %v", readyTime)
		}
	}
	m, text, _, err := receiveMessage(g.socket, 0)
	switch {
	case err != nil:
		return fmt.Errorf("the gatekeeper ended: %w", err)
	case m.Kind != kindReady:
		return errors.New(text)
	}
	return nil
}

// serve answers the gatekeeper until it ends or Close is called.
func (g *Gate) serve() {
	defer close(g.ended)
	// A process waits for each answer. The priority is that of the thread, which ends
	// with this goroutine.
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, gatekeeperNice) // it works without
	reason := errors.New("it was killed")
	for {
		m, text, fds, err := receiveMessage(g.socket, 0)
		if err != nil {
			break
		}
		switch m.Kind {
		case kindAsk:
			g.answer(m, fds)
		case kindDropped:
			g.release(m.ID)
		case kindLate:
			g.late.Add(1)
		case kindEnded:
			reason = errors.New(text)
		}
	}
	for id := range g.pins {
		g.release(id)
	}
	close(g.served)
	if !g.closing.Load() && g.opts.Ended != nil {
		g.opts.Ended(reason)
	}
	_, _ = g.keeper.Wait() // its socket is closed, so it has ended or is about to
}

func (g *Gate) answer(m message, fds []int) {
	reply := message{Kind: kindUnknown, PID: m.PID, ID: m.ID}
	var f, own *os.File
	filesOf(fds, &f, &own)
	if f != nil {
		release, err := g.opts.Attach(int(m.PID), f, own)
		switch {
		case err == nil && release == nil:
			reply.Kind = kindPlain
		case err == nil:
			reply.Kind = kindAttached
			g.release(m.ID) // of an earlier answer, which came too late
			g.pins[m.ID] = release
		}
		_ = f.Close()
		_ = own.Close() // which may be nil
	}
	// A gatekeeper that cannot receive it has ended, or has long stopped waiting.
	_ = sendMessage(g.socket, reply, "")
}

// release undoes the Attach of a file, if there was one.
func (g *Gate) release(id fileID) {
	if release := g.pins[id]; release != nil {
		delete(g.pins, id)
		release()
	}
}

// Cover marks the file systems that a process in another mount namespace sees. It
// does not wait for the marks. The gatekeeper may not look at other processes, so it gets
// the root directory.
func (g *Gate) Cover(pid int) {
	root, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return // it has ended
	}
	defer unix.Close(root)
	_ = sendMessage(g.socket, message{Kind: kindCover, PID: int32(pid)}, "", root)
}

// Late returns how many executions continued before Attach had returned.
func (g *Gate) Late() uint64 { return g.late.Load() }

// Close ends the gatekeeper, which lets all processes continue, and waits for Attach to
// return. Wait waits for the gatekeeper.
func (g *Gate) Close() {
	g.close.Do(func() {
		g.closing.Store(true)
		_ = unix.Shutdown(g.socket, unix.SHUT_RDWR) // ends both loops
		<-g.served
		unix.Close(g.socket)
	})
}

// Wait waits for the end of the gatekeeper, after Close. The kernel takes some 15 ms to
// let go of its marks. The deadMan ends a stopped gatekeeper.
func (g *Gate) Wait() { <-g.ended }
