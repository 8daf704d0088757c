package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// completingShells start each shell without the user's files, and then read our script.
var completingShells = map[string]struct {
	start, source string
	helps         string // begins the help after a word; "" if there is none
}{
	"bash": {
		"exec bash --norc --noprofile",
		"bind 'set completion-query-items 0'; bind 'set page-completions off'; bind 'set show-all-if-ambiguous on'; " +
			"source <(h2trace completion bash)",
		"",
	},
	"zsh": {
		"exec zsh -f",
		"LISTMAX=10000; setopt no_always_last_prompt; autoload -Uz compinit; compinit -D -u; source <(h2trace completion zsh)",
		"-- ",
	},
	"fish": {
		"exec fish --no-config -C \"function fish_prompt; echo -n '" + prompt + " '; end\"",
		"h2trace completion fish | source",
		"(",
	},
}

// TestCompletion has bash, zsh and fish on a terminal complete command lines.
func TestCompletion(t *testing.T) {
	t.Parallel()
	bin(t, "h2trace")
	for name, shell := range completingShells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(name); err != nil {
				t.Skip(err.Error() + "; scripts/setup installs it")
			}
			c := startCompleting(t, shell.start, shell.source)
			t.Run("flags", c.testFlags)
			t.Run("subcommands", c.testSubcommands)
			t.Run("values", c.testValues)
			t.Run("processes", func(t *testing.T) { c.testProcesses(t, shell.helps) })
		})
	}
}

// completing is a shell on a terminal.
type completing struct {
	*pane
	dir string
}

func startCompleting(t *testing.T, start, source string) *completing {
	t.Helper()
	dir := shellHome(t)
	if err := os.WriteFile(filepath.Join(dir, "recorded file.jsonl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	runtime := filepath.Join(dir, "runtime") // fish uses one of mode 0700, or else a directory that stays
	for _, name := range []string{filepath.Join(dir, "directory"), runtime} {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	env := append(os.Environ(), "PATH="+binDir+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_RUNTIME_DIR="+runtime, "TERM=tmux-256color")
	c := &completing{startPane(t, env), dir}
	c.resize(180, 150)
	c.enter("cd " + dir + " && " + start)
	c.await(`(?m)^` + prompt + ` ?\n*\z`)
	c.enter(source + "; echo sour''ced")
	c.await(`(?m)^sourced$`)
	return c
}

// shellHome makes a home directory. A shell whose terminal is gone may write its history there until
// it has ended, so that to remove it may take several tries.
func shellHome(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "h2trace-home-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		await(t, "the home directory to be removed", func() bool { return os.RemoveAll(dir) == nil })
	})
	return dir
}

// on sets the test that the pane fails.
func (c *completing) on(t *testing.T) *completing {
	return &completing{&pane{t: t, dir: c.pane.dir, env: c.env}, c.dir}
}

// clear begins with an empty screen.
func (c *completing) clear() {
	c.t.Helper()
	c.keys("C-u", "C-l")
	c.await(`\A\n*` + prompt + ` ?\n*\z`)
}

// testFlags looks for each flag of the help of each command among those that the shell shows.
func (c *completing) testFlags(t *testing.T) {
	c = c.on(t)
	for _, sub := range append(subcommands(t), "") {
		page, err := exec.Command(bin(t, "h2trace"), slices.DeleteFunc([]string{sub, "--help"}, func(s string) bool { return s == "" })...).Output()
		if err != nil {
			t.Fatal(err)
		}
		c.clear()
		typed := strings.TrimSpace("h2trace "+sub) + " -"
		c.tmux("send-keys", "-l", typed)
		c.keys("Tab")
		c.await(`(?m)(^|\s)--version(\s|$)`)
		for _, m := range regexp.MustCompile(`(?m)^  +(?:-(\w), )?--([a-z-]+)`).FindAllStringSubmatch(string(page), -1) {
			c.await(`(?m)(^|\s)--` + m[2] + `(\s|$)`)
			if m[1] != "" {
				c.await(`(?m)(^|\s)-` + m[1] + `(\s|$)`)
			}
		}
	}
}

// subcommands returns those of the usage.
func subcommands(t *testing.T) (names []string) {
	t.Helper()
	page, err := exec.Command(bin(t, "h2trace"), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^  h2trace ([a-z]+)`).FindAllStringSubmatch(string(page), -1) {
		names = append(names, m[1])
	}
	if len(names) < 9 {
		t.Fatalf("the usage has %q", names)
	}
	return names
}

// testSubcommands completes each subcommand after all but its last letter.
func (c *completing) testSubcommands(t *testing.T) {
	c = c.on(t)
	for _, name := range subcommands(t) {
		c.clear()
		c.tmux("send-keys", "-l", "h2trace -q "+name[:len(name)-1])
		c.keys("Tab")
		// bash shows programs with such names, too.
		c.await(`(?m)^(` + prompt + ` h2trace -q ` + name + `|(\S+\s+)*` + name + `)(\s|$)`)
	}
}

// testValues completes what can be listed to the end, as the shell quotes it.
func (c *completing) testValues(t *testing.T) {
	c = c.on(t)
	for _, tt := range []struct{ typed, want string }{
		{"h2trace -f t", `h2trace -f text`},
		{"h2trace --format=t", `h2trace --format=text`},
		{"h2trace -e conn,exch", `h2trace -e conn,exchange`},
		{"h2trace --events=conn,frame=DATA+PUSH", `h2trace --events=conn,frame=DATA\+PUSH_PROMISE`},
		{"h2trace -o reco", `h2trace -o recorded\\ file\.jsonl`},
		{"h2trace --output=reco", `h2trace --output=recorded\\ file\.jsonl`},
		{"h2trace convert tr", `h2trace convert trace`},
		{"h2trace convert trace reco", `h2trace convert trace recorded\\ file\.jsonl`},
		{"h2trace proxies --keep d", `h2trace proxies --keep directory/?`},
		{"h2trace help packet_", `h2trace help packet_loss`},
		{"h2trace completion fi", `h2trace completion fish`},
		{"h2trace -q ls -l reco", `h2trace -q ls -l recorded\\ file\.jsonl`},
		{"h2trace -q mkdi", `h2trace -q mkdir`},
		{"h2trace top --sort STAL", `h2trace top --sort STALL`},
		{"h2trace -p 1 --sour", `h2trace -p 1 --source`},
	} {
		c.clear()
		c.tmux("send-keys", "-l", tt.typed)
		c.keys("Tab")
		c.await(`(?m)^` + prompt + ` ` + tt.want + `(\s|$)`)
	}
}

// testProcesses looks for processes with names that shells could act on, and for these names.
func (c *completing) testProcesses(t *testing.T, helps string) {
	c = c.on(t)
	alike := make(map[string]map[string]string) // the names of processes whose ids begin alike: at most 100 fill no screen
	for _, comm := range []string{"a:b c", ":lead", `back\slash\:x`, `trail\`, "%F{red}%d", "it's \"q\"", "$(id)`x`", "(a) S 1", "[x]{a,b}*", "-n --x", "~root", "#é中", "tab\there", "esc\x1b[2J"} {
		pid := strconv.Itoa(startNamed(t, comm))
		begin := pid[:max(len(pid)-2, 0)]
		if alike[begin] == nil {
			alike[begin] = make(map[string]string)
		}
		alike[begin][pid] = strings.NewReplacer("\t", "?", "\x1b", "?").Replace(comm)
	}
	for begin, shown := range alike {
		if len(shown) == 1 {
			continue // it may be the only one, and is then typed, not shown
		}
		c.clear()
		c.tmux("send-keys", "-l", "h2trace -p "+begin)
		c.keys("Tab", "Tab") // the first may but add what all have in common
		for pid, comm := range shown {
			want := "" // zsh shows processes of one name in a line
			if helps != "" {
				want = `(\s+\d+)*\s+` + regexp.QuoteMeta(helps+comm)
			}
			c.await(`(?m)(^|\s)` + pid + want)
		}
	}
	c.clear()
}

// startNamed starts a process with a name of its choice, until the test ends.
func startNamed(t *testing.T, comm string) (pid int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `printf %s "$1" >/proc/$$/comm && read -r line`, "sh", comm)
	child.Hold(t, cmd)
	await(t, "the name "+comm, func() bool {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/comm")
		return err == nil && string(b) == comm+"\n"
	})
	return cmd.Process.Pid
}
