package gate

import (
	"strings"

	"h2trace/bpf/mounts"
)

// cgroups are those whose processes are held, and those below, whether or not they are targets:
// a process that comes into one, as when a container starts, becomes a target at its next exec.
type cgroups struct {
	namespace *mounts.Namespace
	dirs      []string
}

// add adds a directory of cgroup v2.
func (c *cgroups) add(dir string) (err error) {
	if c.namespace == nil {
		if c.namespace, err = mounts.NewNamespace(); err != nil {
			return err
		}
	}
	if dir, err = c.namespace.Canonical(dir); err != nil {
		return err
	}
	c.dirs = append(c.dirs, strings.TrimSuffix(dir, "/")+"/")
	return nil
}

// have reports whether a process is in one of them.
func (c *cgroups) have(pid int) bool {
	if len(c.dirs) == 0 {
		return false
	}
	of := c.namespace.CgroupOf(pid)
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
