package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// pane is a terminal with a shell on it, in tmux.
type pane struct {
	t   testing.TB
	dir string
	env []string
}

// prompt is that of the shell.
const prompt = "READY:"

// startPane starts a terminal of 80 by 24, until the test ends.
func startPane(t testing.TB, env []string) *pane {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("needs tmux, which scripts/setup installs")
	}
	dir, err := os.MkdirTemp("", "tmux-") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	p := &pane{t: t, dir: dir, env: append(env[:len(env):len(env)], "TMUX_TMPDIR="+dir, "PS1="+prompt+" ", "ENV=", "LC_ALL=C.UTF-8")}
	t.Cleanup(func() {
		p.end()
		_ = os.RemoveAll(dir)
	})
	p.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "sh", "-i")
	p.await(`(?m)^` + prompt)
	return p
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-u"}, args...)...)
	cmd.Env = p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %q: %v\n%s", args, err, indent(string(out)))
	}
	return string(out)
}

// end hangs up.
func (p *pane) end() {
	cmd := exec.Command("tmux", "kill-server")
	cmd.Env = p.env
	_ = cmd.Run() // it may have ended
}

// enter types a line.
func (p *pane) enter(line string) {
	p.t.Helper()
	p.tmux("send-keys", "-l", line)
	p.keys("Enter")
}

// keys presses keys by the names that tmux has for them.
func (p *pane) keys(names ...string) {
	p.t.Helper()
	p.tmux(append([]string{"send-keys"}, names...)...)
}

// screen returns what is on the terminal.
func (p *pane) screen() string {
	p.t.Helper()
	return p.tmux("capture-pane", "-p")
}

// styled returns it with colours.
func (p *pane) styled() string {
	p.t.Helper()
	return p.tmux("capture-pane", "-p", "-e")
}

// await waits until the screen matches, and returns the submatches.
func (p *pane) await(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	last := ""
	defer func() {
		if found == nil {
			p.t.Logf("the screen is\n%s", indent(last))
		}
	}()
	await(p.t, pattern, func() bool {
		last = p.screen()
		found = re.FindStringSubmatch(last)
		return found != nil
	})
	return found
}

func (p *pane) resize(width, height int) {
	p.t.Helper()
	p.tmux("resize-window", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
}

// shellWords returns words for a shell.
func shellWords(words ...string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(list, " ")
}
