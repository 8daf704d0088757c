package cgroup

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"

	"h2trace/bpf/mounts"
)

// MemoryLimit returns how much memory the cgroups of this process may have together with those
// above them, and the file that says so. It returns false where none is limited, or none can be
// read: a container sees those above its own only with cgroup v1.
func MemoryLimit() (limit uint64, file string, ok bool) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, "", false
	}
	list, err := mounts.Of("self")
	if err != nil {
		return 0, "", false
	}
	unified := func(dir string) (string, string) {
		in, err := mounts.NewNamespace()
		if err != nil {
			return "", ""
		}
		return in.Root(), in.Directory(dir)
	}
	return memoryLimit(string(b), list, unified)
}

// memoryLimit is MemoryLimit, for what /proc/self/cgroup has. unified returns where cgroup v2 is
// mounted, and the directory of a cgroup there.
func memoryLimit(own string, list []*mountinfo.Info, unified func(dir string) (root, own string)) (limit uint64, file string, ok bool) {
	for line := range strings.Lines(own) {
		controllers, dir, found := mounts.ParseCgroup(line)
		if !found {
			continue
		}
		var n uint64
		var from string
		switch {
		case controllers == "":
			n, from = lowestMax(unified(dir))
		case slices.Contains(strings.Split(controllers, ","), "memory"):
			n, from = hierarchicalLimit(memoryDirectory(list, dir))
		}
		if from != "" && (!ok || n < limit) {
			limit, file, ok = n, from, true
		}
	}
	return limit, file, ok
}

// lowestMax returns the lowest memory.max of a cgroup of v2 and those above it. The root has none.
func lowestMax(root, dir string) (limit uint64, file string) {
	if root == "" || dir != root && !strings.HasPrefix(dir, strings.TrimSuffix(root, "/")+"/") {
		return 0, ""
	}
	for ; ; dir = filepath.Dir(dir) {
		name := filepath.Join(dir, "memory.max")
		if n, ok := number(read(name)); ok && (file == "" || n < limit) { // not "max"
			limit, file = n, name
		}
		if dir == root {
			return limit, file
		}
	}
}

// unlimited is above each limit of v1. That of a cgroup without one is the largest multiple of
// the page size.
const unlimited = 1 << 62

// hierarchicalLimit returns the lowest limit of a cgroup of v1 and those above it, also of those
// that are not mounted (Documentation/admin-guide/cgroup-v1/memory.rst §5.2).
func hierarchicalLimit(dir string) (limit uint64, file string) {
	if dir == "" {
		return 0, ""
	}
	for line := range strings.Lines(read(filepath.Join(dir, "memory.stat"))) {
		value, found := strings.CutPrefix(line, "hierarchical_memory_limit ")
		if n, ok := number(value); found && ok && n < unlimited {
			return n, filepath.Join(dir, "memory.limit_in_bytes")
		}
	}
	return 0, ""
}

// memoryDirectory returns the directory of a cgroup of v1 with the memory controller, or "". A
// container without a cgroup namespace has its own cgroup mounted, below the root of which the
// path is.
func memoryDirectory(list []*mountinfo.Info, dir string) string {
	for _, m := range list {
		if m.FSType != "cgroup" || !slices.Contains(strings.Split(m.VFSOptions, ","), "memory") {
			continue
		}
		root := strings.TrimSuffix(m.Root, "/")
		if below, ok := strings.CutPrefix(dir, root); ok && (below == "" || below[0] == '/') {
			return filepath.Join(m.Mountpoint, below)
		}
	}
	return ""
}

func number(s string) (uint64, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	return n, err == nil
}

// read returns what a file has, or "": a cgroup without the controller has no such file, and it may
// be removed at any time.
func read(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}
