package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"h2trace/export/scan"
)

// The bounds on programs.
const (
	maxTools     = 256
	maxProcesses = 1 << 12
)

// tools counts the programs that ran, except the command itself.
type tools struct {
	running map[int64]string // by pid
	byName  byName[tool]
	goes    int    // runs of the go command
	found   int    // observed processes
	skipped int    // processes that are not observed
	reason  string // of the first skipped one

	// unseen counts the processes of which nothing is seen, although they may have made requests.
	// oneUnseen is the first, with the reason.
	unseen    int
	oneUnseen string
}

// tool is the tally of the processes of one program.
type tool struct {
	runs, failed   int64
	total, longest time.Duration
	cpu            time.Duration
}

// attach takes a process that is observed, or is found to be in vain.
func (t *tools) attach(e *attachedEvent) {
	if !e.unseen {
		t.found++
		return
	}
	t.miss(reasonOf(e.exe, e.reason))
}

// skip takes a process that is not observed.
func (t *tools) skip(e *skippedEvent) {
	reason := reasonOf(e.exe, e.reason)
	if t.skipped++; t.skipped == 1 {
		t.reason = reason
	}
	if e.unseen {
		t.miss(reason)
	}
}

func (t *tools) miss(reason string) {
	if t.unseen++; t.unseen == 1 {
		t.oneUnseen = reason
	}
}

// missed says of which processes nothing was seen, or returns "".
func (t *tools) missed() string {
	switch t.unseen {
	case 0:
		return ""
	case 1:
		return "nothing was seen of " + t.oneUnseen
	}
	return fmt.Sprintf("nothing was seen of %d processes, the first of them %s", t.unseen, t.oneUnseen)
}

func reasonOf(exe, reason []byte) string {
	return strings.TrimPrefix(scan.Text(exe)+": "+scan.Text(reason), ": ")
}

func (t *tools) exec(e *execEvent) {
	if t.running == nil {
		t.running = make(map[int64]string)
		t.byName = newByName[tool](maxTools)
	}
	exe := scan.Text(e.exe)
	name := exe[strings.LastIndexByte(exe, '/')+1:]
	if name == "go" {
		t.goes++
	}
	if _, again := t.running[e.pid]; again || len(t.running) < maxProcesses {
		t.running[e.pid] = name
	}
}

func (t *tools) exit(e *exitEvent, command int64) {
	name, ok := t.running[e.pid]
	delete(t.running, e.pid)
	if !ok || e.pid == command {
		return
	}
	one := t.byName.get(name)
	if one == nil {
		return
	}
	one.runs++
	one.total += e.duration
	one.longest = max(one.longest, e.duration)
	one.cpu += e.cpu
	if e.failed() {
		one.failed++
	}
}

// Program is the tally of the processes of one program, some of which may have been
// concurrent.
type Program struct {
	Program string `json:"program"`
	Runs    int64  `json:"runs"`
	Failed  int64  `json:"failed"`
	Total   Millis `json:"total_ms"`
	Longest Millis `json:"longest_ms"`
	CPU     Millis `json:"cpu_ms"` // 0 also if it is not known
}

func (t *tools) report() []Program {
	list := []Program{}
	for name, one := range t.byName.values {
		if name != "" {
			list = append(list, Program{name, one.runs, one.failed, ms(one.total), ms(one.longest), ms(one.cpu)})
		}
	}
	slices.SortFunc(list, func(a, b Program) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Program, b.Program))
	})
	return list[:min(len(list), slowest)]
}

// busiest returns the slowest program except the go command, or nil.
func (t *tools) busiest() *Program {
	for _, p := range t.report() {
		if p.Program != "go" {
			return &p
		}
	}
	return nil
}
