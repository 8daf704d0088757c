// Package cgroup knows control groups (cgroups(7)): which container a process is in, and
// which processes a cgroup has.
package cgroup

import (
	"bufio"
	"io"
	"os"
	"strings"

	"h2trace/bpf/mounts"
	"h2trace/cmd/h2trace/internal/procfs"
)

// maxRead bounds what is read of /proc/PID/cgroup. A host has some 15 hierarchies, each a
// line with a path of at most 4 KiB.
const maxRead = 128 << 10

// idLength is the length of the ids that container runtimes use: 32 bytes in hex.
const idLength = 64

// Membership is what /proc/PID/cgroup says of a process.
type Membership struct {
	// Container is the id of the innermost container; "" for none.
	Container string
	// Unknown says that there may be one all the same: the root of the cgroup namespace is not
	// known, and nothing below it names a container.
	Unknown bool
	// Unified is the path in the hierarchy of cgroup v2, and "" without one. It is that of
	// the cgroup namespace of the reader: one outside of it begins with "/..".
	Unified string
	// Alone says that no other hierarchy names a container.
	Alone bool
}

// Of reads the membership of a process, as a process in the namespace sees it.
func Of(in *mounts.Namespace, pid int) (Membership, error) {
	f, err := os.Open(procfs.Path(procfs.LivingThread(pid), "cgroup"))
	if err != nil {
		return Membership{}, err
	}
	defer f.Close()
	return parse(f, in.Absolute)
}

// parse reads the format of /proc/PID/cgroup. Where hierarchies differ, that of cgroup v2 counts,
// which is the line "0::path". absolute is Namespace.Absolute.
func parse(r io.Reader, absolute func(controllers, path string) (string, bool)) (m Membership, err error) {
	lines := bufio.NewScanner(io.LimitReader(r, maxRead))
	lines.Buffer(nil, maxRead+1)
	other := ""
	for lines.Scan() {
		controllers, path, ok := mounts.ParseCgroup(lines.Text())
		if !ok {
			continue
		}
		whole, known := absolute(controllers, path)
		m.Unknown = m.Unknown || !known
		switch id := containerIn(whole); {
		case controllers == "" && m.Unified == "":
			m.Unified, m.Container = path, id
		case other == "":
			other = id
		}
	}
	m.Alone = other == "" || other == m.Container
	if m.Container == "" {
		m.Container = other
	}
	m.Unknown = m.Unknown && m.Container == ""
	return m, lines.Err()
}

// containerIn returns the id of the innermost container in the path of a cgroup, or "".
// Runtimes name the cgroup of a container with its id, alone or after their own name:
// docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope,
// libpod-payload-ID, PODSLICE:cri-containerd:ID.
func containerIn(path string) string {
	for path != "" {
		i := strings.LastIndexByte(path, '/')
		if id := containerNamed(path[i+1:]); id != "" {
			return id
		}
		path = path[:max(i, 0)]
	}
	return ""
}

// containerNamed returns the id of the container that has a cgroup with this name, or "".
func containerNamed(name string) string {
	name = strings.TrimSuffix(name, ".scope")
	runtime, id := "", name
	if i := strings.LastIndexAny(name, "-:"); i >= 0 {
		runtime, id = name[:i], name[i+1:]
	}
	// conmon, of CRI-O and Podman, watches over a container from outside.
	if len(id) != idLength || strings.Trim(id, "0123456789abcdef") != "" || strings.HasSuffix(runtime, "-conmon") {
		return ""
	}
	return id
}
