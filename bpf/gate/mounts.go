package gate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// markable are the types of file systems that are marked: those that always
// let root open a file, without asking a process or a server.
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

// mount is a line of /proc/PID/mountinfo.
type mount struct {
	point  string
	fstype string
}

// parseMounts reads mountinfo, see proc_pid_mountinfo(5).
func parseMounts(r io.Reader) ([]mount, error) {
	var list []mount
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20) // overlays list their layers
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 6 || len(rest) < 1 {
			return nil, fmt.Errorf("unreadable mountinfo line %q", lines.Text())
		}
		list = append(list, mount{point: unescape(fields[4]), fstype: rest[0]})
	}
	return list, lines.Err()
}

// unescape replaces the octal escapes of blanks and backslashes in mountinfo.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// markMounts marks the file systems that a process sees; "self" is this one.
// Marking again is harmless. It returns how many mounts could be marked, and
// an error only where the list cannot be read: mounts come and go meanwhile.
func (l *listener) markMounts(process string) (int, error) {
	f, err := os.Open("/proc/" + process + "/mountinfo")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	mounts, err := parseMounts(f)
	if err != nil {
		return 0, err
	}
	root := ""
	if process != "self" {
		root = "/proc/" + process + "/root"
	}
	marked := 0
	var refused error
	for _, m := range mounts {
		magic, ok := markable[m.fstype]
		if !ok {
			continue
		}
		if err := l.markMount(root+m.point, magic); err == nil {
			marked++
		} else if !errors.Is(err, unix.ENOENT) {
			refused = err
		}
	}
	if marked == 0 {
		return 0, errors.Join(errors.New("no file system could be marked"), refused)
	}
	return marked, nil
}

// markMount marks what is at a path if it is still of that type: another file
// system may have been mounted over it.
func (l *listener) markMount(path string, magic int64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return err
	}
	if st.Type != magic {
		return unix.ENOENT
	}
	return l.mark("/proc/self/fd/" + strconv.Itoa(fd))
}

// onOverlay tells whether a file is on overlayfs.
func onOverlay(fd int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) == nil && st.Type == unix.OVERLAYFS_SUPER_MAGIC
}
