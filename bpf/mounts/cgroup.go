package mounts

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// rootCgroup is the inode of the root of a hierarchy of cgroups, above all containers.
const rootCgroup = 1

// Cgroup2 returns where cgroup v2 is mounted, which may be next to v1. A container often has
// two mounts: its own cgroup, and the root of the host, which it prefers.
func Cgroup2() (string, error) {
	list, err := Of("self")
	if err != nil {
		return "", err
	}
	m := cgroup2Among(list)
	if m == nil {
		return "", errors.New("cgroup v2 is not mounted")
	}
	return m.Mountpoint, nil
}

func cgroup2Among(list []*mountinfo.Info) *mountinfo.Info {
	var own *mountinfo.Info
	for _, m := range list {
		if m.FSType != "cgroup2" {
			continue
		}
		if inode(m.Mountpoint) == rootCgroup {
			return m
		}
		if m.Root == "/" && own == nil {
			own = m
		}
	}
	return own
}

// CgroupID returns the id of the cgroup of v2 that has a directory, or 0.
func CgroupID(dir string) uint64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil || st.Type != unix.CGROUP2_SUPER_MAGIC {
		return 0
	}
	return inode(dir)
}

func inode(path string) uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}

// below returns the directory below root for which is reports true, or "".
func below(root string, is func(dir string) bool) (found string) {
	_ = filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && is(dir) {
			found = dir
			return fs.SkipAll
		}
		return nil // a cgroup may be removed at any time
	})
	return found
}
