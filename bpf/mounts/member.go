package mounts

import (
	"bytes"
	"io"
	"os"
	"path"
	"strconv"
)

// maxMembership bounds what is read of /proc/PID/cgroup.
const maxMembership = 128 << 10

// CgroupOf returns the directory of the cgroup of a process, below root, where cgroup v2 is
// mounted; "" if it is unknown.
func CgroupOf(pid int, root string) string {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxMembership))
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(b) {
		if name, ok := bytes.CutPrefix(line, []byte("0::/")); ok {
			return path.Join(root, string(bytes.TrimSuffix(name, []byte("\n"))))
		}
	}
	return ""
}
