package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// attachTree observes a running process and, with follow, its descendants.
//
// A process is made a target before its children are looked for: those it
// forks from then on are added by the kernel, those from before are found.
func (p *processes) attachTree(pid int, follow bool) error {
	proc, err := runningProcess(pid)
	if err != nil {
		p.mu.Lock()
		p.skipped = err.Error()
		p.mu.Unlock()
		return err
	}
	reason, err := p.attachOne(proc)
	if err == nil && reason != "" {
		err = fmt.Errorf("process %d (%s): %s", pid, proc.comm, reason)
	}
	if !follow {
		return err
	}
	tree := map[int]bool{pid: true}
	for grown := true; grown; {
		grown = false
		for _, proc := range runningProcesses() {
			if !tree[proc.ppid] || tree[proc.pid] {
				continue
			}
			tree[proc.pid], grown = true, true
			// One that ends meanwhile has nothing left to show.
			_, _ = p.attachOne(proc)
		}
	}
	return err
}

// attachOne makes a process a target and gives its executable probes.
func (p *processes) attachOne(proc process) (reason string, err error) {
	if err := p.collector.AddTarget(proc.pid); err != nil {
		return "", err
	}
	p.learn(proc)
	return p.attach(proc), nil
}

// runningProcess reads what /proc says of a process.
func runningProcess(pid int) (process, error) {
	now, err := monotonic()
	if err != nil {
		return process{}, err
	}
	stat, err := os.ReadFile(procPath(pid, "stat"))
	if gone(err) {
		return process{}, fmt.Errorf("process %d does not exist", pid)
	}
	if err != nil {
		return process{}, err
	}
	proc := process{at: now, pid: pid}
	// pid (comm) state ppid ...; comm may hold anything (proc_pid_stat(5)).
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("process %d: unreadable %s", pid, procPath(pid, "stat"))
	}
	proc.comm = string(stat[open+1 : end])
	if fields := strings.Fields(string(stat[end+1:])); len(fields) > 1 {
		proc.ppid, _ = strconv.Atoi(fields[1])
	}
	if proc.exe, err = os.Readlink(procPath(pid, "exe")); errors.Is(err, os.ErrNotExist) {
		return process{}, fmt.Errorf("process %d is a kernel thread or a zombie", pid)
	}
	if errors.Is(err, os.ErrPermission) {
		return process{}, fmt.Errorf("process %d: %w; run h2trace as root", pid, os.ErrPermission)
	}
	return proc, nil
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
