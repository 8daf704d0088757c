package report

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
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
	running  map[int64]underway // by pid
	commands byName[command]
	// fetched are the processes of this run that ran one.
	fetched map[int64]bool
}

// underway is a process of a version control system.
type underway struct {
	what    string // it was asked for
	begin   wallTime
	control fault
}

// command is what was asked of a version control system.
type command struct {
	runs, failed   int64
	total, longest time.Duration
}

// fetching are the commands of git that need the repository elsewhere.
var fetching = []string{"ls-remote", "fetch", "clone", "pull"}

// controlOf tells what fetches a module directly from what asks for the state of the
// main module, as go build does.
func controlOf(args []string) fault {
	fetches := func(arg string) bool { return slices.Contains(fetching, arg) }
	if len(args) > 0 && args[0] == "git" && !slices.ContainsFunc(args, fetches) {
		return localControl
	}
	return remoteControl
}

// controlled puts the time of a version control system on the path.
func (r *run) controlled(u underway, until wallTime) {
	tool, _, _ := strings.Cut(u.what, " ")
	r.add(span{
		begin: u.begin, end: until, of: r.sums.suspects.get(u.control, tool, u.what, ""),
		parts: parts{partVCS: until.sub(u.begin)},
	})
}

// exec takes a process that executes a program.
func (d *direct) exec(e *execEvent) {
	if d.running == nil {
		d.running = make(map[int64]underway)
		d.commands = newByName[command](maxCommands)
		d.fetched = make(map[int64]bool)
	}
	delete(d.running, e.pid)
	var args []string
	if e.args != nil && json.Unmarshal(e.args, &args) == nil && len(d.running) < maxRunning {
		line := strings.Join(args, " ")
		u := underway{line[:min(len(line), maxCommand)], e.at, controlOf(args)}
		d.running[e.pid] = u
		d.fetched[e.ppid] = d.fetched[e.ppid] || u.control == remoteControl
	}
}

// exit takes the end of a process, and returns what it was asked for, if it is one of a
// version control system.
func (d *direct) exit(e *exitEvent) (ended underway, ok bool) {
	if ended, ok = d.running[e.pid]; !ok {
		return ended, false
	}
	delete(d.running, e.pid)
	if c := d.commands.get(ended.what); c != nil {
		c.runs++
		c.total += e.duration
		c.longest = max(c.longest, e.duration)
		if e.failed() {
			c.failed++
		}
	}
	return ended, true
}

// end ends a run, and returns what still runs.
func (d *direct) end() []underway {
	left := slices.Collect(maps.Values(d.running))
	clear(d.running)
	clear(d.fetched)
	return left
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
