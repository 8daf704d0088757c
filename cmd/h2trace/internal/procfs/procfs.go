// Package procfs reads processes in /proc (proc(5)).
package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Path returns the path of a file in /proc of a process or a thread.
func Path(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// Gone reports whether an error means that the process does not exist.
func Gone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// Process is a running process.
type Process struct {
	PID, PPID int
	Comm      string
	Exe       string // path of its executable
}

// Running returns a process. The error says why there is nothing to observe in it.
func Running(pid int) (Process, error) {
	proc := Process{PID: pid}
	stat, err := ReadStat(pid)
	if Gone(err) {
		return proc, fmt.Errorf("process %d does not exist", pid)
	}
	if err != nil {
		return proc, err
	}
	proc.Comm, proc.PPID = stat.Comm, stat.PPID
	exe, err := Executable(pid)
	switch {
	case Gone(err) && stat.State == zombie:
		return proc, fmt.Errorf("process %d has ended (it is a zombie)", pid)
	case Gone(err):
		return proc, fmt.Errorf("process %d is a kernel thread", pid)
	case errors.Is(err, os.ErrPermission):
		return proc, fmt.Errorf("process %d: %w; run h2trace as root", pid, os.ErrPermission)
	case err != nil:
		return proc, err
	}
	proc.Exe = exe
	return proc, nil
}

// Executable returns the path of the program of a process, as it was at exec. The
// kernel appends a suffix if the file has been deleted, or replaced under its name,
// as an upgrade does.
func Executable(pid int) (string, error) {
	link := Path(LivingThread(pid), "exe")
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
	// A file can have such a name.
	for _, root := range []string{"", Path(LivingThread(pid), "root")} {
		if named, err := os.Stat(root + path); err == nil && os.SameFile(file, named) {
			return path, nil
		}
	}
	return before, nil
}

// LivingThread returns the id of a thread of a process that has not ended: usually
// that of the process. If the first thread has ended before the others, /proc reports
// only that under its id, and everything else under theirs.
func LivingThread(pid int) int {
	if stat, err := ReadStat(pid); err != nil || !stat.ended() {
		return pid
	}
	tasks, err := os.ReadDir(Path(pid, "task"))
	if err != nil {
		return pid
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		if stat, err := ReadStat(id); err == nil && !stat.ended() {
			return id
		}
	}
	return pid
}

// All returns the running processes.
func All() []Process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var list []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if proc, err := Running(pid); err == nil {
			list = append(list, proc)
		}
	}
	return list
}

// zombie is the state of a process that has ended and was not waited for.
const zombie = "Z"

// Stat is a part of /proc/PID/stat.
type Stat struct {
	Comm  string
	State string
	PPID  int
	// Terminal is the device number of the controlling terminal; 0 is none.
	Terminal int
}

// ended reports whether the thread has ended, and waits for others or its parent.
func (s Stat) ended() bool { return s.State == zombie || s.State == "X" }

// ReadStat reads /proc/PID/stat of a thread.
func ReadStat(pid int) (Stat, error) {
	path := Path(pid, "stat")
	raw, err := os.ReadFile(path)
	if err != nil {
		return Stat{}, err
	}
	stat, err := parseStat(raw)
	if err != nil {
		return Stat{}, fmt.Errorf("unreadable %s: %w", path, err)
	}
	return stat, nil
}

// parseStat parses "pid (comm) state ppid ...". comm may hold anything (proc_pid_stat(5)).
func parseStat(raw []byte) (Stat, error) {
	open, end := bytes.IndexByte(raw, '('), bytes.LastIndexByte(raw, ')')
	if open < 0 || end < open {
		return Stat{}, errors.New("no name")
	}
	fields := strings.Fields(string(raw[end+1:])) // state ppid pgrp session tty_nr
	if len(fields) < 5 {
		return Stat{}, fmt.Errorf("%d fields after the name", len(fields))
	}
	stat := Stat{Comm: string(raw[open+1 : end]), State: fields[0]}
	ppid, err := strconv.Atoi(fields[1])
	tty, ttyErr := strconv.Atoi(fields[4])
	stat.PPID, stat.Terminal = ppid, tty
	return stat, errors.Join(err, ttyErr)
}

// ProcessOf returns the process of a thread. /proc/TID exists for every thread, and
// tools such as top and strace show and take thread ids. An id that is no thread is
// returned unchanged.
func ProcessOf(id int) int {
	status, err := os.ReadFile(Path(id, "status"))
	if err != nil {
		return id
	}
	if pid, ok := parseTgid(string(status)); ok {
		return pid
	}
	return id
}

// parseTgid returns the process in /proc/PID/status. The name, which comes before it, is on one
// line: the kernel escapes line ends.
func parseTgid(status string) (pid int, ok bool) {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, "Tgid:"); ok {
			pid, err := strconv.Atoi(strings.TrimSpace(value))
			return pid, err == nil
		}
	}
	return 0, false
}

// Ended reports whether no thread of a process is left. The first thread can end, and
// be a zombie, before the others.
func Ended(pid int) bool {
	tasks, err := os.ReadDir(Path(pid, "task"))
	if err != nil || len(tasks) == 0 {
		return Gone(err) || err == nil
	}
	stat, err := ReadStat(pid)
	if err != nil {
		return Gone(err)
	}
	return len(tasks) == 1 && stat.ended()
}
