package report

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// What is kept of version control systems, which the go command runs to fetch
// modules directly.
const (
	maxRunning  = 1 << 10
	maxCommands = 1 << 10
	// maxCommand bounds what is kept of the arguments of one, in bytes.
	maxCommand = 200
)

// direct counts what the go command fetched without a proxy.
type direct struct {
	running  map[int64]string // by pid, what they were asked for
	commands byName[command]
	// fetched are the processes of this run that ran one.
	fetched map[int64]bool
}

// command is what was asked of a version control system.
type command struct {
	runs, failed   int64
	total, longest int64 // ns
}

// process takes a process event.
func (d *direct) process(e *event) {
	if d.running == nil {
		d.running = make(map[int64]string)
		d.commands = newByName[command](maxCommands)
		d.fetched = make(map[int64]bool)
	}
	if is(e.action, "exec") {
		delete(d.running, e.pid)
		var args []string
		if e.args != nil && json.Unmarshal(e.args, &args) == nil && len(d.running) < maxRunning {
			line := strings.Join(args, " ")
			d.running[e.pid] = line[:min(len(line), maxCommand)]
			d.fetched[e.ppid] = true
		}
		return
	}
	what, ok := d.running[e.pid]
	if !ok || !is(e.action, "exit") {
		return
	}
	delete(d.running, e.pid)
	c := d.commands.get(what)
	if c == nil {
		return
	}
	c.runs++
	c.total += e.duration
	c.longest = max(c.longest, e.duration)
	if e.exited && e.exit != 0 {
		c.failed++
	}
}

// Direct is what one command of a version control system took.
type Direct struct {
	Command string `json:"command"`
	Runs    int64  `json:"runs"`
	Failed  int64  `json:"failed"`
	Total   Millis `json:"total_ms"`
	Longest Millis `json:"longest_ms"`
}

func (d *direct) report() []Direct {
	list := []Direct{}
	for name, c := range d.commands.values {
		list = append(list, Direct{name, c.runs, c.failed, ms(c.total), ms(c.longest)})
	}
	slices.SortFunc(list, func(a, b Direct) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Command, b.Command))
	})
	return list[:min(len(list), slowest)]
}
