package e2e

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/procfs"
)

// TestTopCommand watches a go mod download on a terminal, leaves, and finds the terminal as it
// was, with what the command has printed.
func TestTopCommand(t *testing.T) {
	t.Parallel()
	needProbes(t)
	proxy, w := startDownload(t)
	p := startPane(t, w.Env)
	p.enter("stty -a >" + shellWords(p.dir+"/before") + "; clear")
	p.enter(shellWords(bin(t, "h2trace"), "top", "sh", "-c", `cd "$0" && go mod download && echo "of sh, $(test -t 0 || echo no) terminal" && exit 7`, w.Dir) +
		"; echo status=$?; stty -a | diff - " + shellWords(p.dir+"/before") + " && echo same modes")
	p.await(`(?m)^h2trace top  sh -c .* ENDED `)
	screen := p.await(`(?s)Requests +0 open, (\d+) done, 0 failed .*Lost      nothing\n.*sh has ended with status 7; q leaves\nF1Help `)
	if n := strconv.Itoa(len(proxy.Requests())); screen[1] != n {
		t.Errorf("%s requests done, the proxy has %s", screen[1], n)
	}
	p.keys("Tab")
	p.await(`(?m)^c\d+ +go .* localhost:?\d* *$`)
	p.keys("3")
	p.await(`(?m)^c\d+ +\d+ +\S+ 200 .* GET …\S+\.(zip|mod|info)$`)
	p.keys("q")
	p.await(`(?s)of sh, no terminal\n.*status=7\nsame modes\n` + prompt)
	if screen := p.screen(); strings.Contains(screen, "F1Help") || strings.Contains(screen, "ENDED") {
		t.Errorf("the screen is\n%s", indent(screen))
	}
}

// TestTopKeys sorts, filters, searches, pauses and resizes while a client works.
func TestTopKeys(t *testing.T) {
	t.Parallel()
	needProbes(t)
	s := startSite(t)
	target := startFile(t, fetch.path(t), s.env, "-", "mute", s.url+"/numbers", s.url+"/missing", s.url+"/events")
	t.Cleanup(func() { _ = target.cmd.Process.Kill() }) // its last request does not end
	p := startPane(t, append(s.env, "NO_COLOR=1"))
	p.enter(shellWords(bin(t, "h2trace"), "top", "-d", "200ms", "-p", strconv.Itoa(target.pid)) + "; echo status=$?")
	p.await(`(?m)^h2trace top  fetch \(` + strconv.Itoa(target.pid) + `\) `)
	target.goOn()
	p.await(`Requests +1 open, 2 done, 0 failed `)
	p.keys("3")
	events := `(?m)^c\d+ +5 +\S+ open .* GET …/events$`
	p.await(events)
	p.await(`(?m)^c\d+ +1 +\S+ 200 .* GET …/numbers$`)

	p.keys("/")
	p.await(`(?m)^Search:`)
	p.tmux("send-keys", "-l", "missing")
	p.keys("Enter")
	p.await(`(?m)^F1Help`)
	if row := selected(p); !strings.Contains(row, "GET …/missing") {
		t.Errorf("found %q", row)
	}
	p.keys("F4")
	p.await(`(?m)^Filter:`)
	p.tmux("send-keys", "-l", "NUMBERS")
	p.await(`(?s)with "NUMBERS"\nCONN [^\n]*\nc[^\n]*/numbers\n *\n`)
	p.keys("Escape")
	p.await(events)

	p.keys("F6")
	p.await(`Sort by`)
	p.keys("End", "Enter") // by the request
	p.await(`(?s)GET …/events\nc[^\n]*/missing\nc[^\n]*/numbers\n`)
	p.keys("I") // what ended stays below
	p.await(`(?s)GET …/events\nc[^\n]*/numbers\nc[^\n]*/missing\n`)

	p.resize(140, 40)
	p.await(`(?m)^c\d+ +5 +` + strconv.Itoa(target.pid) + ` fetch +\S+ open .* GET ` + regexp.QuoteMeta(s.url) + `/events$`)
	p.resize(50, 12)
	p.await(`(?m)^c\d+ +\S+ open +GET …/events$`)
	p.resize(80, 24)
	p.keys("?")
	p.await(`Keys .*PgDn`)
	p.keys("x")
	p.await(events)

	p.keys("Space")
	p.await(`(?m)PAUSED  \d\d:\d\d:\d\d$`)
	before := p.await(`(?m)^Processes .*$`)[0]
	sent := s.events.Load()
	await(t, "100 events, of more time than two delays", func() bool { return s.events.Load() >= sent+100 })
	if !strings.Contains(p.screen(), before) {
		t.Errorf("paused, but it was %q, and the screen is\n%s", before, indent(p.screen()))
	}
	p.keys("Space")
	await(t, "bytes to be shown again", func() bool { return !strings.Contains(p.screen(), before) })
	if styled := p.styled(); regexp.MustCompile(`\x1b\[[0-9;]*[34][0-7]m`).MatchString(styled) {
		t.Errorf("colours in spite of NO_COLOR: %q", styled)
	}
	p.keys("F10")
	p.await(`status=0\n` + prompt)
}

// reversed is a row that is selected.
var reversed = regexp.MustCompile(`(?m)^\x1b\[(?:0;)?7m(?:\x1b\[[0-9;]*m)*c.*$`)

// selected returns the row that is selected.
func selected(p *pane) string { return reversed.FindString(p.styled()) }

// TestTopEnds ends top in each way. The target and the terminal stay as they are.
func TestTopEnds(t *testing.T) {
	t.Parallel()
	needProbes(t)
	s := startSite(t)
	tests := []struct {
		name   string
		flags  []string
		end    func(p *pane, target *program, top int)
		status int
		dead   bool // the target
	}{
		{name: "SIGTERM", end: func(_ *pane, _ *program, top int) { _ = syscall.Kill(top, syscall.SIGTERM) }},
		{name: "SIGHUP", end: func(_ *pane, _ *program, top int) { _ = syscall.Kill(top, syscall.SIGHUP) }},
		{name: "Ctrl-C", end: func(p *pane, _ *program, _ int) { p.keys("C-c") }},
		{name: "duration", flags: []string{"--duration", "1s"}, end: func(*pane, *program, int) {}},
		{name: "Ctrl-Z, and q", end: func(p *pane, _ *program, _ int) {
			p.keys("C-z")
			p.await(`Stopped.*\n(.*\n)*` + prompt)
			p.enter("clear; fg; echo status=$?; stty -a | grep -c ' echo '")
			p.await(`(?m)^h2trace top  fetch `)
			p.keys("q")
		}},
		{name: "the target exits", dead: true, end: func(p *pane, target *program, _ int) {
			target.end()
			p.await(`all targets have exited; q leaves`)
			p.keys("q")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := startFile(t, fetch.path(t), s.env, "-", s.url+"/first", "-", s.url+"/second")
			p := startPane(t, s.env)
			p.enter(shellWords(append([]string{bin(t, "h2trace"), "top", "-p", strconv.Itoa(target.pid)}, tt.flags...)...) + "; echo status=$?; stty -a | grep -c ' echo '")
			p.await(`(?m)^h2trace top  fetch `)
			tt.end(p, target, topOn(p))
			p.await(`(?m)^h2trace: saw 1 process(.*\n)*status=` + strconv.Itoa(tt.status) + `\n1\n` + prompt)
			if screen := p.screen(); strings.Contains(screen, "F1Help") {
				t.Errorf("the screen is\n%s", indent(screen))
			}
			if !tt.dead {
				target.goOn()
				target.goOn()
			}
		})
	}
}

// topOn returns the process id of the h2trace on a terminal.
func topOn(p *pane) int {
	p.t.Helper()
	shell, err := strconv.Atoi(strings.TrimSpace(p.tmux("display-message", "-p", "#{pane_pid}")))
	if err != nil {
		p.t.Fatal(err)
	}
	var pid int
	await(p.t, "top to be on the terminal", func() bool {
		all := procfs.All()
		i := slices.IndexFunc(all, func(q procfs.Process) bool { return q.PPID == shell && q.Comm == "h2trace" })
		if i >= 0 {
			pid = all[i].PID
		}
		return i >= 0
	})
	return pid
}

// TestTopHungUp takes the terminal away: top ends, and the target goes on.
func TestTopHungUp(t *testing.T) {
	t.Parallel()
	needProbes(t)
	s := startSite(t)
	target := startFile(t, fetch.path(t), s.env, "-", s.url+"/first", "-", s.url+"/second")
	for _, ignored := range []bool{false, true} {
		p := startPane(t, s.env)
		if ignored {
			p.enter("trap '' HUP")
		}
		p.enter(shellWords(bin(t, "h2trace"), "top", "-p", strconv.Itoa(target.pid)))
		p.await(`(?m)^h2trace top  fetch `)
		top := topOn(p)
		p.end()
		await(t, "top to end", func() bool { return syscall.Kill(top, 0) != nil })
	}
	target.goOn()
	target.goOn()
}
