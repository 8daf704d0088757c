package process

import (
	"h2trace/bpf/mounts"
	"h2trace/cmd/h2trace/internal/cgroup"
	"h2trace/export"
)

// maxContainers bounds the remembered cgroups.
const maxContainers = 4096

// containers finds the containers of processes. A process may end before its cgroup can be
// read. So what was found is remembered by the id of the cgroup, which the kernel reports at
// exec. The zero value is ready; it is for one goroutine.
type containers struct {
	byCgroup  map[uint64]string
	namespace *mounts.Namespace // nil before it is looked at
}

// of returns the container of a process, which executed a program in the cgroup with an id;
// 0 is unknown. is reports whether a process still runs that program.
func (c *containers) of(p *Process, id uint64, is func(*Process) bool) export.Container {
	if known, ok := c.byCgroup[id]; ok {
		return export.Container{ID: known}
	}
	in, err := c.in()
	if err != nil {
		return export.Container{Unknown: true}
	}
	m, err := cgroup.Of(in, p.PID)
	if err != nil || m.Unknown || !is(p) {
		return export.Container{Unknown: true}
	}
	// The process may have been moved since its exec.
	if m.Alone && id != 0 && mounts.CgroupID(in.Directory(m.Unified)) == id {
		c.remember(id, m.Container)
	}
	return export.Container{ID: m.Container}
}

// in returns the cgroup namespace of h2trace.
func (c *containers) in() (_ *mounts.Namespace, err error) {
	if c.namespace == nil {
		c.namespace, err = mounts.NewNamespace()
	}
	return c.namespace, err
}

func (c *containers) remember(id uint64, container string) {
	if c.byCgroup == nil || len(c.byCgroup) >= maxContainers {
		c.byCgroup = make(map[uint64]string)
	}
	c.byCgroup[id] = container
}
