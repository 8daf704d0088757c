package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"h2trace/bpf/mounts"
)

// Find returns the directories of cgroup v2 that paths name: as they are, or below the root of
// cgroup v2, as /proc/PID/cgroup prints them.
func Find(paths []string) (dirs []string, err error) {
	if len(paths) == 0 {
		return nil, nil
	}
	root, err := mounts.Cgroup2()
	if err != nil {
		return nil, fmt.Errorf("--cgroup: %w", err)
	}
	in, err := mounts.NewNamespace()
	if err != nil {
		return nil, fmt.Errorf("--cgroup: %w", err)
	}
	for _, path := range paths {
		dir, err := find(in, root, path)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

func find(in *mounts.Namespace, root, path string) (string, error) {
	tried := []string{filepath.Join(root, filepath.Join("/", path))}
	if filepath.IsAbs(path) {
		tried = []string{filepath.Clean(path), tried[0]}
	}
	if dir := in.Directory(path); dir != "" && filepath.IsAbs(path) {
		if mounts.IsOutside(path) {
			tried = nil // nobody writes that but /proc
		}
		tried = append(tried, dir)
	}
	for _, dir := range tried {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		switch {
		case err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC:
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				return "", fmt.Errorf("%s is a file of a cgroup: name its directory", dir)
			}
			return dir, nil
		case err == nil && st.Type == unix.CGROUP_SUPER_MAGIC:
			return "", fmt.Errorf("%s is a cgroup of v1, and h2trace needs one of v2; these are below %s", dir, root)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("cgroup %s: %w", dir, err)
		}
	}
	return "", fmt.Errorf("there is no cgroup %s; those of this system are below %s, and /proc/PID/cgroup names that of a process", path, root)
}

// Exist reports whether any of the directories exists.
func Exist(dirs []string) bool {
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err == nil {
			return true
		}
	}
	return false
}

// Processes lists the processes in cgroups and in all below. Those that come and go meanwhile
// may be missing.
func Processes(dirs []string) map[int]bool {
	pids := make(map[int]bool)
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				readProcesses(filepath.Join(path, "cgroup.procs"), pids)
			}
			return nil // a cgroup may be removed at any time
		})
	}
	return pids
}

// readProcesses adds the processes that a file lists. The threads of a process can be in several
// cgroups; the one above these lists it.
func readProcesses(file string, pids map[int]bool) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if pid, err := strconv.Atoi(in.Text()); err == nil {
			pids[pid] = true
		}
	}
}
