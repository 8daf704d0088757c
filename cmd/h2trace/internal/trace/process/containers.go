package process

import (
	"os"
	"path/filepath"
	"syscall"

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
	byCgroup map[uint64]string
	root     *string // where cgroup v2 is mounted; nil before it is looked for
}

// of returns the container of a process, which executed a program in the cgroup with an id;
// 0 is unknown. is reports whether a process still runs that program.
func (c *containers) of(p *Process, id uint64, is func(*Process) bool) export.Container {
	if known, ok := c.byCgroup[id]; ok {
		return export.Container{ID: known}
	}
	m, err := cgroup.Of(p.PID)
	if err != nil || !is(p) {
		return export.Container{Unknown: true}
	}
	if m.Alone && c.isCgroup(m.Unified, id) {
		c.remember(id, m.Container)
	}
	return export.Container{ID: m.Container}
}

// isCgroup reports whether a path in cgroup v2 has an id. The process may have been moved
// since its exec.
func (c *containers) isCgroup(path string, id uint64) bool {
	if c.root == nil {
		root, _ := mounts.Cgroup2()
		c.root = &root
	}
	if *c.root == "" || path == "" || id == 0 {
		return false
	}
	info, err := os.Stat(filepath.Join(*c.root, path))
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Ino == id
}

func (c *containers) remember(id uint64, container string) {
	if c.byCgroup == nil || len(c.byCgroup) >= maxContainers {
		c.byCgroup = make(map[uint64]string)
	}
	c.byCgroup[id] = container
}
