package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// runningProcess reads what /proc says of a process.
func runningProcess(pid int) (process, error) {
	proc := process{pid: pid}
	var err error
	if proc.at, err = monotonic(); err != nil {
		return proc, err
	}
	stat, err := readStat(pid)
	if gone(err) {
		return proc, fmt.Errorf("process %d does not exist", pid)
	}
	if err != nil {
		return proc, err
	}
	proc.comm, proc.ppid = stat.comm, stat.ppid
	exe, err := executableOf(pid)
	switch {
	case gone(err) && stat.state == zombie:
		return proc, fmt.Errorf("process %d has ended (it is a zombie)", pid)
	case gone(err):
		return proc, fmt.Errorf("process %d is a kernel thread", pid)
	case errors.Is(err, os.ErrPermission):
		return proc, fmt.Errorf("process %d: %w; run h2trace as root", pid, os.ErrPermission)
	case err != nil:
		return proc, err
	}
	proc.exe = exe
	return proc, nil
}

// executableOf returns the path of what a process runs, as it was when it was
// executed. The kernel adds to that of a file which has been deleted, or replaced
// by another under its name, as an upgrade does.
func executableOf(pid int) (string, error) {
	link := procPath(livingThread(pid), "exe")
	path, err := os.Readlink(link)
	if err != nil {
		return "", err
	}
	before, deleted := strings.CutSuffix(path, " (deleted)")
	if !deleted {
		return path, nil
	}
	file, err := os.Stat(link)
	if err != nil {
		return "", err
	}
	// A file can be called so.
	for _, root := range []string{"", procPath(livingThread(pid), "root")} {
		if named, err := os.Stat(root + path); err == nil && os.SameFile(file, named) {
			return path, nil
		}
	}
	return before, nil
}

// livingThread returns the id of a thread of a process that has not ended: that
// of the process, mostly. Where the first thread has ended before the others,
// /proc says under its id no more than that, and all the rest under theirs.
func livingThread(pid int) int {
	if stat, err := readStat(pid); err != nil || !stat.ended() {
		return pid
	}
	tasks, err := os.ReadDir(procPath(pid, "task"))
	if err != nil {
		return pid
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		if stat, err := readStat(id); err == nil && !stat.ended() {
			return id
		}
	}
	return pid
}

// runningProcesses lists the processes that /proc shows now.
func runningProcesses() []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var list []process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if proc, err := runningProcess(pid); err == nil {
			list = append(list, proc)
		}
	}
	return list
}

// zombie is the state of a process that has ended and was not waited for.
const zombie = "Z"

// procStat is the part of /proc/PID/stat that is used here.
type procStat struct {
	comm  string
	state string
	ppid  int
}

// ended reports whether the thread has, and waits for others or its parent.
func (s procStat) ended() bool { return s.state == zombie || s.state == "X" }

func readStat(pid int) (procStat, error) {
	path := procPath(pid, "stat")
	raw, err := os.ReadFile(path)
	if err != nil {
		return procStat{}, err
	}
	// pid (comm) state ppid ...; comm may hold anything (proc_pid_stat(5)).
	open, end := bytes.IndexByte(raw, '('), bytes.LastIndexByte(raw, ')')
	if open < 0 || end < open {
		return procStat{}, fmt.Errorf("unreadable %s", path)
	}
	fields := strings.Fields(string(raw[end+1:]))
	if len(fields) < 2 {
		return procStat{}, fmt.Errorf("unreadable %s", path)
	}
	stat := procStat{comm: string(raw[open+1 : end]), state: fields[0]}
	stat.ppid, err = strconv.Atoi(fields[1])
	return stat, err
}

// processOf returns the process that a thread belongs to. /proc/TID is there
// for every thread, and tools such as top and strace show and take their ids.
// What is no thread is returned as it is.
func processOf(id int) int {
	status, err := os.ReadFile(procPath(id, "status"))
	if err != nil {
		return id
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "Tgid:"); ok {
			if pid, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
				return pid
			}
		}
	}
	return id
}

// ended reports whether no thread of a process is left. The first thread can
// end, and be a zombie, before the others.
func ended(pid int) bool {
	tasks, err := os.ReadDir(procPath(pid, "task"))
	if err != nil || len(tasks) == 0 {
		return gone(err) || err == nil
	}
	stat, err := readStat(pid)
	if err != nil {
		return gone(err)
	}
	return len(tasks) == 1 && stat.ended()
}
