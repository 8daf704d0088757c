package mounts

import (
	"bufio"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// initialCgroups is the inode of the initial cgroup namespace: PROC_CGROUP_INIT_INO of
// include/linux/proc_ns.h.
const initialCgroups = 0xeffffffb

// Namespace is the cgroup namespace of this process (cgroup_namespaces(7)): the cgroups that it
// was in when that was created are the roots of all paths in /proc/PID/cgroup. A process
// elsewhere has a path that begins with "/..". A container has a namespace of its own, by
// default with cgroup v2.
type Namespace struct {
	unified string // where cgroup v2 is mounted; "" for nowhere
	// roots are the roots of the namespace by the controllers of the hierarchy, "" for v2: paths
	// below the root of the hierarchy. Those that are not known are missing.
	roots   map[string]string
	initial bool // the roots are those of the hierarchies
}

// NewNamespace looks at the namespace of this process. In one that is not the initial one it
// searches all cgroups for this process, once.
func NewNamespace() (*Namespace, error) {
	list, err := Of("self")
	if err != nil {
		return nil, err
	}
	n := &Namespace{roots: make(map[string]string), initial: inode("/proc/self/ns/cgroup") == initialCgroups}
	unified := cgroup2Among(list)
	if unified != nil {
		n.unified = unified.Mountpoint
	}
	if n.initial {
		return n, nil
	}
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		controllers, own, ok := ParseCgroup(line)
		if !ok {
			continue
		}
		m := unified
		if controllers != "" {
			m = cgroup1Among(list, controllers)
		}
		if m == nil || inode(m.Mountpoint) != rootCgroup {
			continue // the names above the namespace are not to be had
		}
		if root, ok := rootOf(m.Mountpoint, own); ok {
			n.roots[controllers] = root
		}
	}
	return n, nil
}

// ParseCgroup parses a line of /proc/PID/cgroup: "hierarchy:controllers:path".
func ParseCgroup(line string) (controllers, dir string, ok bool) {
	_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":") // no name of a cgroup has one
	controllers, dir, ok = strings.Cut(rest, ":")
	return controllers, strings.TrimSuffix(dir, " (deleted)"), ok // a cgroup that was removed
}

// cgroup1Among returns the mount of a hierarchy of v1 with its root, or nil.
func cgroup1Among(list []*mountinfo.Info, controllers string) *mountinfo.Info {
	for _, m := range list {
		options := strings.Split(m.VFSOptions, ",")
		has := func(controller string) bool { return slices.Contains(options, controller) }
		if m.FSType == "cgroup" && !slices.ContainsFunc(strings.Split(controllers, ","), func(c string) bool { return !has(c) }) &&
			inode(m.Mountpoint) == rootCgroup {
			return m
		}
	}
	return nil
}

// rootOf returns the root of the namespace in a hierarchy. own is the path of this process in
// the namespace: what is above it in the hierarchy is the root.
func rootOf(mountpoint, own string) (string, bool) {
	dir := below(mountpoint, func(dir string) bool { return hasProcess(dir, os.Getpid()) })
	root, ok := strings.CutSuffix(strings.TrimPrefix(dir, mountpoint), strings.TrimSuffix(own, "/"))
	if dir == "" || !ok || IsOutside(own) {
		return "", false
	}
	return "/" + strings.TrimPrefix(root, "/"), true
}

// hasProcess reports whether a process is in the cgroup that has a directory.
func hasProcess(dir string, pid int) bool {
	f, err := os.Open(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return false
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if in.Text() == strconv.Itoa(pid) {
			return true
		}
	}
	return false
}

// IsOutside reports whether a path of /proc/PID/cgroup is outside of the namespace.
func IsOutside(dir string) bool { return dir == "/.." || strings.HasPrefix(dir, "/../") }

// Root returns where cgroup v2 is mounted; "" for nowhere.
func (n *Namespace) Root() string { return n.unified }

// Absolute returns a path of /proc/PID/cgroup from the root of its hierarchy. It returns false
// where the root of the namespace is not known.
func (n *Namespace) Absolute(controllers, dir string) (string, bool) {
	if n.initial {
		return dir, true
	}
	root, ok := n.roots[controllers]
	if !ok {
		return dir, false
	}
	return path.Join(root, dir), true
}

// Directory returns the directory of the cgroup of v2 that has a path in /proc/PID/cgroup, or "".
func (n *Namespace) Directory(dir string) string {
	if n.unified == "" || dir == "" {
		return ""
	}
	dir, whole := n.Absolute("", dir)
	if !whole && IsOutside(dir) {
		return "" // only the cgroups of the namespace are mounted
	}
	return filepath.Join(n.unified, dir)
}

// Canonical returns the directory of a cgroup of v2 as Directory does. dir may be a link, or below
// another mount.
func (n *Namespace) Canonical(dir string) (string, error) {
	if n.unified == "" {
		return "", errors.New("cgroup v2 is not mounted")
	}
	id := CgroupID(dir)
	if real, err := filepath.EvalSymlinks(dir); err == nil && id != 0 && (real == n.unified || strings.HasPrefix(real, n.unified+"/")) {
		return real, nil
	}
	found := ""
	if id != 0 {
		found = below(n.unified, func(dir string) bool { return inode(dir) == id })
	}
	if found == "" {
		return "", errors.New("cgroup " + dir + " is not below " + n.unified)
	}
	return found, nil
}
