package report

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds for version control systems, which the go command runs to fetch modules
// directly.
const (
	maxRunning  = 1 << 10
	maxCommands = 1 << 10
	// maxCommand bounds the arguments of one, in bytes.
	maxCommand = 200
)

// direct counts the fetches of the go command without a proxy.
type direct struct {
	running  map[int64]underway // by pid
	commands byName[command]
	// fetched holds the processes of this run that ran one.
	fetched map[int64]bool
}

// underway is a process of a version control system.
type underway struct {
	what    string // what it fetches
	begin   wallTime
	control fault
}

// command is the command line of a version control system.
type command struct {
	runs, failed   int64
	logged         int64 // runs of logs, which do not say whether they failed
	total, longest time.Duration
}

// fetching holds the commands of git that need the remote repository.
var fetching = []string{"ls-remote", "fetch", "clone", "pull"}

// controlOf separates commands that fetch a module directly from those that read the state
// of the main module, as go build does.
func controlOf(args []string) fault {
	fetches := func(arg string) bool { return slices.Contains(fetching, arg) }
	if len(args) > 0 && args[0] == "git" && !slices.ContainsFunc(args, fetches) {
		return localControl
	}
	return remoteControl
}

// controlled adds the time of a version control system to the path.
func (r *run) controlled(u underway, until wallTime) {
	tool, _, _ := strings.Cut(u.what, " ")
	r.add(span{
		begin: u.begin, end: until, of: r.sums.suspects.get(u.control, tool, u.what, ""),
		parts: parts{partVCS: until.sub(u.begin)},
	})
}

func (d *direct) start() {
	if d.running == nil {
		d.running = make(map[int64]underway)
		d.commands = newByName[command](maxCommands)
		d.fetched = make(map[int64]bool)
	}
}

// exec takes the exec of a process.
func (d *direct) exec(e *execEvent) {
	d.start()
	delete(d.running, e.pid)
	var args []string
	if e.args != nil && json.Unmarshal(e.args, &args) == nil && len(d.running) < maxRunning {
		line := strings.Join(args, " ")
		u := underway{line[:min(len(line), maxCommand)], e.at, controlOf(args)}
		d.running[e.pid] = u
		d.fetched[e.ppid] = d.fetched[e.ppid] || u.control == remoteControl
	}
}

// exit takes the end of a process. For a version control system it returns its command.
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

// end ends a run, and returns the commands that still run.
func (d *direct) end() []underway {
	left := slices.Collect(maps.Values(d.running))
	clear(d.running)
	clear(d.fetched)
	return left
}

// Direct is the time of one command of a version control system.
type Direct struct {
	Command string `json:"command"`
	Runs    int64  `json:"runs"`
	Failed  Count  `json:"failed"`
	Total   Millis `json:"total_ms"`
	Longest Millis `json:"longest_ms"`
}

func (d *direct) report() []Direct {
	list := []Direct{}
	for name, c := range d.commands.values {
		failed := Count(c.failed)
		if failed == 0 && c.logged == c.runs {
			failed = Unknown
		}
		list = append(list, Direct{name, c.runs, failed, ms(c.total), ms(c.longest)})
	}
	slices.SortFunc(list, func(a, b Direct) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Command, b.Command))
	})
	return list[:min(len(list), slowest)]
}
