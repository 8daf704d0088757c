package gate

import (
	"errors"
	"os"
	"slices"
	"strconv"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"h2trace/bpf/mounts"
)

// markable are the types of file systems that are marked: those that always let root
// open a file, without asking a process or a server.
var markable = map[string]int64{
	"bcachefs": unix.BCACHEFS_SUPER_MAGIC,
	"btrfs":    unix.BTRFS_SUPER_MAGIC,
	"devtmpfs": unix.TMPFS_MAGIC,
	"erofs":    unix.EROFS_SUPER_MAGIC_V1,
	"ext2":     unix.EXT2_SUPER_MAGIC,
	"ext3":     unix.EXT3_SUPER_MAGIC,
	"ext4":     unix.EXT4_SUPER_MAGIC,
	"f2fs":     unix.F2FS_SUPER_MAGIC,
	"iso9660":  unix.ISOFS_SUPER_MAGIC,
	"overlay":  unix.OVERLAYFS_SUPER_MAGIC,
	"ramfs":    unix.RAMFS_MAGIC,
	"squashfs": unix.SQUASHFS_MAGIC,
	"tmpfs":    unix.TMPFS_MAGIC,
	"vfat":     unix.MSDOS_SUPER_MAGIC,
	"xfs":      unix.XFS_SUPER_MAGIC,
	"zfs":      0x2fc12fc1, // ZFS_SUPER_MAGIC; not in the kernel's tree
}

// isRoot reports whether the root directory is a mount point. A process in a
// chroot(2) into another directory has none: its mountinfo lists only mounts below
// the root.
func isRoot(m *mountinfo.Info) bool { return m.Mountpoint == "/" }

// isMarkable reports whether file systems of a type are marked.
func isMarkable(magic int64) bool {
	for _, is := range markable {
		if is == magic {
			return true
		}
	}
	return false
}

// canMark reports whether there is a file system to mark.
func canMark() error {
	list, err := mounts.Of("self")
	if err != nil {
		return err
	}
	var root unix.Statfs_t
	if err := unix.Statfs("/", &root); err != nil {
		return os.NewSyscallError("statfs", err)
	}
	if !isMarkable(root.Type) && !slices.ContainsFunc(list, func(m *mountinfo.Info) bool { return markable[m.FSType] != 0 }) {
		return errNothingToMark
	}
	return nil
}

var errNothingToMark = errors.New("no file system could be marked")

// markMounts marks the file systems that are mounted in a place. Marking again is
// harmless. It returns how many mounts could be marked. It returns an error only if the
// list is unreadable: mounts come and go meanwhile.
func (l *listener) markMounts(p place) (int, error) {
	list, err := mounts.Of(p.process)
	if err != nil {
		return 0, err
	}
	root := ""
	if p.root != nil {
		root = "/proc/self/fd/" + strconv.Itoa(int(p.root.Fd()))
	}
	marked := 0
	var refused error
	mark := func(path string, isType func(int64) bool) {
		if err := l.markMount(path, isType); err == nil {
			marked++
		} else if !errors.Is(err, unix.ENOENT) {
			refused = err
		}
	}
	for _, m := range list {
		if magic, ok := markable[m.FSType]; ok {
			mark(root+m.Mountpoint, func(is int64) bool { return is == magic })
		}
	}
	if !slices.ContainsFunc(list, isRoot) {
		mark(root+"/", isMarkable)
	}
	if marked == 0 {
		return 0, errors.Join(errNothingToMark, refused)
	}
	return marked, nil
}

// markMount marks the file system at a path if its type is markable: another file
// system may have been mounted over it.
func (l *listener) markMount(path string, isType func(magic int64) bool) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return err
	}
	if !isType(st.Type) {
		return unix.ENOENT
	}
	return l.mark("/proc/self/fd/" + strconv.Itoa(fd))
}

// onOverlay reports whether a file is on overlayfs.
func onOverlay(fd int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) == nil && st.Type == unix.OVERLAYFS_SUPER_MAGIC
}
