package output

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
)

// Appended events go to the end of the file even after another process has truncated
// it, as rotation with copytruncate does (logrotate(8)).
const outputFlags = os.O_WRONLY | os.O_APPEND | unix.O_NOCTTY | unix.O_CLOEXEC | unix.O_NOFOLLOW

// OpenFile opens the file of -o.
//
// Only its owner can read a new file: its contents were meant to be encrypted. With
// -u the user becomes that owner. An existing file is truncated and keeps its owner
// and permissions. A file of another owner is refused, and a message says if others
// can read it. Symbolic links of others are refused, and so are files with other
// names, so that nobody else chooses what is overwritten. Named pipes (the open waits
// for a reader, and a message says so), terminals and /dev/null are accepted;
// directories, sockets and block devices are refused.
func OpenFile(path string, owner *launch.Account, msg *message.Printer) (*os.File, error) {
	return openFile(path, owner, msg, emptied)
}

// finish makes an existing file ready to be written to, if check accepts it. Otherwise it closes
// the file.
type finish func(file *os.File, check func(*syscall.Stat_t) error) (*os.File, error)

// openFile is OpenFile, where existing files need not be emptied.
func openFile(path string, owner *launch.Account, msg *message.Printer, ready finish) (*os.File, error) {
	trusted := trustedUsers()
	owners := trusted
	if owner != nil {
		owners = append(owners, owner.UID)
	}
	name := path
	for range maxLinks {
		file, err := os.OpenFile(name, outputFlags|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			if owner != nil {
				// File systems without owners refuse; the events are worth more.
				_ = file.Chown(owner.UID, owner.GID)
			}
			return file, nil
		}
		if !errors.Is(err, os.ErrExist) {
			return nil, err
		}
		target, err := linkTarget(name, trusted)
		switch {
		case err != nil:
			return nil, err
		case target == "":
			return openExisting(name, owners, msg, ready)
		case target == name: // only the kernel can follow it
			return openDescriptor(name, ready)
		}
		name = target
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: unix.ELOOP}
}

// maxLinks is how many links in a row are followed, as in the kernel
// (path_resolution(7)).
const maxLinks = 40

// linkTarget returns the target of a symbolic link, or "" if the file is none. Links
// of /proc, such as /proc/self/fd/1, to which /dev/stdout leads, need not be names of
// files: for these it returns the name itself.
func linkTarget(name string, trusted []int) (string, error) {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	var on unix.Statfs_t
	if err := errors.Join(unix.Fstat(fd, &st), unix.Fstatfs(fd, &on)); err != nil {
		return "", &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFLNK:
		return "", nil
	case on.Type == unix.PROC_SUPER_MAGIC:
		return name, nil
	case !slices.Contains(trusted, int(st.Uid)):
		return "", fmt.Errorf("%s is a symbolic link of user %d: name the file that it leads to", name, st.Uid)
	}
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", target)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	to := string(target[:n])
	if filepath.IsAbs(to) {
		return to, nil
	}
	// Not filepath.Join, which would drop a ".." after another link.
	return name[:strings.LastIndexByte(name, '/')+1] + to, nil
}

// openExisting opens an existing file.
func openExisting(name string, owners []int, msg *message.Printer, ready finish) (*os.File, error) {
	waits := time.AfterFunc(DefaultPatience.Notice, func() {
		msg.Infof("%s does not open yet: a named pipe needs a reader", name)
	})
	file, err := os.OpenFile(name, outputFlags, 0)
	waits.Stop()
	if errors.Is(err, os.ErrPermission) {
		if info, statErr := os.Lstat(name); statErr == nil {
			err = cmp.Or(refusal(name, info.Sys().(*syscall.Stat_t), owners), err) // the better reason
		}
	}
	if err != nil {
		return nil, err
	}
	return ready(file, func(st *syscall.Stat_t) error { return adopt(name, st, owners, msg) })
}

// openDescriptor opens a file through its name in /proc, such as stdout. The user of
// h2trace has chosen it.
func openDescriptor(name string, ready finish) (*os.File, error) {
	file, err := os.OpenFile(name, outputFlags&^unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	return ready(file, func(*syscall.Stat_t) error { return nil })
}

// emptied truncates a regular file that check accepts, and closes one that is not for
// events.
func emptied(file *os.File, check func(*syscall.Stat_t) error) (*os.File, error) {
	return checked(file, check, func() error { return file.Truncate(0) })
}

// continued has events follow what is in a regular file, on a line of their own: a run that was
// killed may have left a cut one.
func continued(file *os.File, check func(*syscall.Stat_t) error) (*os.File, error) {
	return checked(file, check, func() error { return endLine(file) })
}

// checked closes a file that check refuses, or that is not for events. It calls regular for a
// regular one.
func checked(file *os.File, check func(*syscall.Stat_t) error, regular func() error) (*os.File, error) {
	info, err := file.Stat()
	if err == nil {
		st := info.Sys().(*syscall.Stat_t)
		switch err = check(st); {
		case err != nil:
		case st.Mode&syscall.S_IFMT == syscall.S_IFBLK:
			err = fmt.Errorf("%s is a block device", file.Name())
		case info.Mode().IsRegular():
			err = regular()
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// endLine ends the last line of a file that is open for writing.
func endLine(file *os.File) error {
	in, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		return err
	}
	defer in.Close()
	var last [1]byte
	if n, err := in.Seek(-1, io.SeekEnd); err != nil || n < 0 {
		return nil // it is empty
	}
	if _, err := in.Read(last[:]); err != nil || last[0] == '\n' {
		return err
	}
	_, err = file.Write([]byte{'\n'})
	return err
}

// adopt refuses a file that somebody else has prepared for the events, and reports
// who else can read it.
func adopt(name string, st *syscall.Stat_t, owners []int, msg *message.Printer) error {
	if err := refusal(name, st, owners); err != nil {
		return err
	}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFIFO:
		if !slices.Contains(owners, int(st.Uid)) {
			msg.Infof("%s is a pipe of user %d, who can read the events", name, st.Uid)
		}
	case syscall.S_IFREG:
		if st.Mode&0o077 != 0 {
			msg.Infof("%s was there and keeps its mode %#o: its owner is not the only one who can use it", name, st.Mode&0o777)
		}
	}
	return nil
}

// refusal returns why an existing file is not for events, or nil.
func refusal(name string, st *syscall.Stat_t, owners []int) error {
	switch {
	case st.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return nil
	case !slices.Contains(owners, int(st.Uid)):
		return fmt.Errorf("%s belongs to user %d: remove it, or name another file", name, st.Uid)
	case st.Nlink > 1:
		return fmt.Errorf("%s is a hard link, and what has its other names would be overwritten: remove it, or name another file", name)
	}
	return nil
}

// trustedUsers returns the users whose links h2trace follows: root, its own, and the
// caller of sudo. The user of -u is none of them: that user often has fewer rights,
// and must not have files overwritten.
func trustedUsers() []int {
	trusted := []int{0, os.Geteuid()}
	if uid, err := strconv.Atoi(os.Getenv("SUDO_UID")); err == nil && os.Geteuid() == 0 {
		trusted = append(trusted, uid)
	}
	return slices.Clip(trusted)
}
