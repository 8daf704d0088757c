package launch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Name is argv[0] of the process that becomes COMMAND. Only h2trace itself starts a
// process with this name.
const Name = "h2trace-launcher"

// Spec says what to run and how.
type Spec struct {
	Args    []string // COMMAND and its arguments
	Env     []string
	User    *Account // nil: the user of h2trace
	Stdin   int      // descriptor that becomes COMMAND's stdin
	Stdout  int      // and its stdout
	Stderr  int      // and its stderr
	Signals Signals
}

// Command is COMMAND, first as a process that waits to become it. Its methods are for
// one goroutine, except for the signals that a Relay passes on.
type Command struct {
	spec    Spec
	process *os.Process
	control *os.File // this end of the socket pair on which the launcher waits
	path    string   // the file that the launcher will execute
}

// Start starts the process that will become COMMAND, and returns when it has found
// the executable and waits. Then probes can be attached, and Release lets it
// continue. If h2trace dies before that, the process ends without running COMMAND. An
// error is a *Error, and leaves no process.
func Start(l Spec) (*Command, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, &Error{step: stepStart, name: l.Args[0], err: err}
	}
	control := os.NewFile(uintptr(pair[0]), "launcher")
	process, err := l.start(pair[1])
	unix.Close(pair[1])
	if err != nil {
		_ = control.Close()
		return nil, &Error{step: stepStart, name: l.Args[0], err: err}
	}
	c := &Command{spec: l, process: process, control: control}
	switch err := c.report(); {
	case errors.Is(err, errClosed):
		return nil, c.died()
	case err != nil:
		c.Abort()
		return nil, err
	}
	return c, nil
}

// start starts the launcher with the socket control.
func (l Spec) start(control int) (*os.Process, error) {
	files, err := l.childFiles(control)
	if err != nil {
		return nil, err
	}
	account := "-"
	if l.User != nil {
		account = l.User.argument()
	}
	argv := append([]string{
		Name,
		strconv.Itoa(control),
		strconv.FormatUint(l.Signals.Ignored, 16),
		strconv.FormatUint(l.Signals.Blocked, 16),
		account,
	}, l.Args...)
	pid, err := syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{Env: l.Env, Files: files})
	if err != nil {
		return nil, fmt.Errorf("start launcher: %w", err)
	}
	return os.FindProcess(pid)
}

// childFiles returns the descriptor table of the child for syscall.ForkExec.
// Descriptors that h2trace inherited, such as those of make's jobserver, keep their
// numbers. Its own are close-on-exec, and are not passed on.
func (l Spec) childFiles(control int) ([]uintptr, error) {
	const closed = ^uintptr(0)
	files := make([]uintptr, control+1)
	for fd := 3; fd < control; fd++ {
		files[fd] = closed
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			files[fd] = uintptr(fd)
		} else if err != nil && !errors.Is(err, unix.EBADF) {
			return nil, err
		}
	}
	files[0], files[1], files[2] = uintptr(l.Stdin), uintptr(l.Stdout), uintptr(l.Stderr)
	files[control] = uintptr(control)
	return files, nil
}

// PID returns the process id of COMMAND, which is that of its launcher.
func (c *Command) PID() int { return c.process.Pid }

// Path returns the file of COMMAND, relative to the working directory if PATH or the
// name is.
func (c *Command) Path() string { return c.path }

// Release makes the launcher execute COMMAND. It returns nil after the exec, or a
// *Error; then COMMAND will not run, and the caller calls Abort.
func (c *Command) Release() error {
	if _, err := c.control.Write([]byte{releaseByte}); err != nil {
		return c.died()
	}
	if err := c.report(); !errors.Is(err, errClosed) {
		return err
	}
	_ = c.control.Close() // exec closed the other end
	return nil
}

// Abort ends the launcher; COMMAND is not run.
func (c *Command) Abort() {
	_ = c.control.Close()
	_ = c.process.Kill() // it may be gone already
	_, _ = c.process.Wait()
}

// signal sends a signal to COMMAND.
func (c *Command) signal(sig os.Signal) error { return c.process.Signal(sig) }

// Wait waits for COMMAND to end and returns its exit status as a shell gives it: 128
// plus the number of the signal, if one killed it.
func (c *Command) Wait() (int, error) {
	state, err := c.process.Wait()
	if err != nil {
		return NotRun, err
	}
	ws := state.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return signalBase + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

// The launcher answers on the socket with a step and 32 bits, big endian: an errno
// or, with stepReady, the length of the path that follows. On success exec closes the
// socket without an answer.
type launchStep byte

const (
	stepStart  launchStep = iota // h2trace could not start the launcher
	stepUser                     // the launcher could not become the user
	stepLookup                   // COMMAND was not found
	stepExec                     // COMMAND cannot be executed
	stepReady                    // the launcher waits
	stepDied                     // the launcher ended, by a signal
)

const (
	releaseByte  = 1
	reportLength = 5
)

// errClosed is the end of the socket without an answer.
var errClosed = errors.New("launcher closed its socket")

// report reads one answer of the launcher: nil for stepReady, errClosed when there is
// none.
func (c *Command) report() error {
	var raw [reportLength]byte
	if _, err := io.ReadFull(c.control, raw[:]); err != nil {
		return errClosed
	}
	step, n := launchStep(raw[0]), binary.BigEndian.Uint32(raw[1:])
	if step != stepReady {
		return &Error{step: step, name: c.spec.Args[0], err: syscall.Errno(n), user: c.spec.User}
	}
	path := make([]byte, min(n, unix.PathMax))
	if _, err := io.ReadFull(c.control, path); err != nil {
		return errClosed
	}
	c.path = string(path)
	return nil
}

// died waits for a launcher that is gone and returns how it ended.
func (c *Command) died() error {
	_ = c.control.Close()
	status, err := c.Wait()
	switch {
	case err == nil && status > signalBase:
		err = fmt.Errorf("ended by signal %d before it was run", status-signalBase)
	case err == nil:
		err = fmt.Errorf("its launcher ended with status %d", status)
	}
	return &Error{step: stepDied, name: c.spec.Args[0], err: err, status: status}
}

// Error says why COMMAND was not run.
type Error struct {
	step   launchStep
	name   string
	err    error
	user   *Account
	status int // stepDied: how the launcher ended
}

func (e *Error) Unwrap() error { return e.err }

func (e *Error) Error() string {
	switch {
	case e.step == stepUser && errors.Is(e.err, unix.EPERM):
		return fmt.Sprintf("user %s: %v; -u needs root", e.user.name, e.err)
	case e.step == stepUser:
		return fmt.Sprintf("user %s: %v", e.user.name, e.err)
	case e.step == stepLookup && errors.Is(e.err, unix.ENOENT):
		return e.notFound()
	case e.step == stepExec && errors.Is(e.err, unix.ENOENT):
		return e.name + ": the interpreter that its #! line or ELF header names is not found"
	case e.step == stepExec && errors.Is(e.err, unix.ENOEXEC):
		return fmt.Sprintf("%s: %v; a script needs a #! line", e.name, e.err)
	default:
		return fmt.Sprintf("%s: %v", e.name, e.err)
	}
}

// notFound adds why a command that works without sudo may not work with it.
func (e *Error) notFound() string {
	if filepath.Base(e.name) != e.name {
		return fmt.Sprintf("%s: %v", e.name, e.err)
	}
	name := sudoUser()
	switch {
	case name == "":
		return e.name + ": not found in PATH"
	case e.user != nil && e.user.name == name:
		return fmt.Sprintf("%s: not found in PATH, nor in that of %s", e.name, name)
	case e.user == nil:
		return fmt.Sprintf("%s: not found in PATH, which sudo replaces; use -u %s, or sudo env \"PATH=$PATH\" h2trace ...", e.name, name)
	default:
		return e.name + ": not found in PATH, which sudo replaces; use sudo env \"PATH=$PATH\" h2trace ..."
	}
}

// ExitStatus returns the exit status for h2trace: that of a shell, env(1) or nohup(1)
// for the same failure.
func (e *Error) ExitStatus() int {
	switch {
	case e.step == stepDied && e.status > signalBase:
		return e.status
	case e.step != stepLookup && e.step != stepExec:
		return NotRun
	case errors.Is(e.err, unix.ENOENT), errors.Is(e.err, unix.ENOTDIR):
		return notFound
	default:
		return notExecutable
	}
}
