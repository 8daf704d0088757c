package launch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Main is the process that becomes COMMAND. It sets the user, the signal handling and
// the name, reports that it waits, and execs when h2trace says so. It inherits its
// process id, terminal, process group, limits, umask and working directory from
// h2trace, and COMMAND inherits them in turn. Spec.start passes the arguments.
func Main(args []string) int {
	runtime.LockOSThread() // exec passes on the signal mask of this thread
	l, err := parseLauncher(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "h2trace: %s is started by h2trace only: %v\n", Name, err)
		return NotRun
	}
	// While it waits, process listings show this name instead of "exe".
	_ = os.WriteFile("/proc/self/comm", []byte("h2trace"), 0)
	if l.user != nil {
		if err := l.user.become(); err != nil {
			return l.report(stepUser, err)
		}
	}
	if err := l.signals.apply(); err != nil {
		return l.report(stepStart, err)
	}
	path, err := findExecutable(l.args[0], os.Getenv("PATH"))
	if err != nil {
		return l.report(stepLookup, err)
	}
	l.send(stepReady, uint32(len(path)), path)
	if !l.released() {
		return NotRun // h2trace is gone
	}
	status := l.report(stepExec, syscall.Exec(path, l.args, os.Environ()))
	l.released() // h2trace must receive this before it sees the process end
	return status
}

// launcher holds the arguments of the launcher process.
type launcher struct {
	control int
	user    *Account
	signals Signals
	args    []string
}

func parseLauncher(args []string) (*launcher, error) {
	if len(args) < 5 {
		return nil, errors.New("arguments missing")
	}
	l := &launcher{args: args[4:]}
	var err error
	if l.control, err = strconv.Atoi(args[0]); err != nil {
		return nil, err
	}
	// This keeps the socket from COMMAND. It also reports success: exec closes the
	// socket.
	if _, err := unix.FcntlInt(uintptr(l.control), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if l.signals.Ignored, err = strconv.ParseUint(args[1], 16, 64); err != nil {
		return nil, err
	}
	if l.signals.Blocked, err = strconv.ParseUint(args[2], 16, 64); err != nil {
		return nil, err
	}
	if args[3] != "-" {
		l.user, err = parseAccount(args[3])
	}
	return l, err
}

// report answers with an error, and returns the status to exit with.
func (l *launcher) report(step launchStep, err error) int {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		errno = unix.EINVAL
	}
	l.send(step, uint32(errno), "")
	return NotRun
}

// send answers on the socket. There may be no reader.
func (l *launcher) send(step launchStep, n uint32, path string) {
	raw := binary.BigEndian.AppendUint32([]byte{byte(step)}, n)
	_ = unix.Sendto(l.control, append(raw, path...), unix.MSG_NOSIGNAL, nil)
}

// released waits until h2trace says go, closes the socket, or is gone.
func (l *launcher) released() bool {
	var b [1]byte
	for {
		n, err := unix.Read(l.control, b[:])
		if !errors.Is(err, unix.EINTR) {
			return n == 1 && b[0] == releaseByte
		}
	}
}

// defaultPath is where execvp(3) searches without PATH.
const defaultPath = "/bin:/usr/bin"

// findExecutable finds name as execvp(3) does. A name with a slash is a path.
// Otherwise the first executable file in path counts, where an empty element is the
// working directory. os/exec.LookPath differs: it refuses relative results, and does
// not report a file that may not be executed.
func findExecutable(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		return name, checkExecutable(name)
	}
	if name == "" {
		return "", unix.ENOENT
	}
	if path == "" {
		path = defaultPath
	}
	result := error(unix.ENOENT)
	for dir := range strings.SplitSeq(path, ":") {
		file := dir + "/" + name
		if dir == "" {
			file = name
		}
		switch err := checkExecutable(file); {
		case err == nil:
			return file, nil
		case errors.Is(err, unix.EACCES) && fileExists(file):
			result = err
		}
	}
	return "", result
}

// checkExecutable returns the errno that execve(2) would return, as far as it is
// known without trying.
func checkExecutable(file string) error {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return unix.EACCES
	}
	return unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS)
}

// fileExists reports whether there is a file other than a directory. As in a shell, a
// directory of COMMAND's name in PATH is no candidate.
func fileExists(file string) bool {
	info, err := os.Stat(filepath.Clean(file))
	return err == nil && !info.IsDir()
}
