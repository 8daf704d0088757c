package mounts

import (
	"io"
	"os"
	"strconv"
	"strings"
)

// maxMembership bounds what is read of /proc/PID/cgroup.
const maxMembership = 128 << 10

// CgroupOf returns the directory of the cgroup of v2 of a process; "" if it is unknown.
func (n *Namespace) CgroupOf(pid int) string {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxMembership))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		controllers, dir, ok := ParseCgroup(line)
		if ok && controllers == "" {
			return n.Directory(dir)
		}
	}
	return ""
}
