package mounts

import (
	"errors"

	"golang.org/x/sys/unix"
)

// rootCgroup is the inode of the root of cgroup v2, above all containers.
const rootCgroup = 1

// Cgroup2 returns where cgroup v2 is mounted, which may be next to v1. A container often has
// two mounts: its own cgroup, and the root of the host, which it prefers.
func Cgroup2() (string, error) {
	list, err := Of("self")
	if err != nil {
		return "", err
	}
	own := ""
	for _, m := range list {
		if m.FSType != "cgroup2" {
			continue
		}
		var st unix.Stat_t
		if unix.Stat(m.Mountpoint, &st) == nil && st.Ino == rootCgroup {
			return m.Mountpoint, nil
		}
		if m.Root == "/" && own == "" {
			own = m.Mountpoint
		}
	}
	if own == "" {
		return "", errors.New("cgroup v2 is not mounted")
	}
	return own, nil
}
