package gate

import (
	"strings"

	"h2trace/bpf/mounts"
)

// cgroups are those whose processes are held, and those below, whether or not they are targets:
// a process that comes into one, as when a container starts, becomes a target at its next exec.
type cgroups struct {
	root string // where cgroup v2 is mounted
	dirs []string
}

// add adds a directory of cgroup v2.
func (c *cgroups) add(dir string) error {
	var err error
	if c.root == "" {
		c.root, err = mounts.Cgroup2()
	}
	c.dirs = append(c.dirs, strings.TrimSuffix(dir, "/")+"/")
	return err
}

// have reports whether a process is in one of them.
func (c *cgroups) have(pid int) bool {
	if len(c.dirs) == 0 {
		return false
	}
	of := mounts.CgroupOf(pid, c.root)
	if of == "" {
		return false
	}
	for _, dir := range c.dirs {
		if strings.HasPrefix(of+"/", dir) {
			return true
		}
	}
	return false
}
