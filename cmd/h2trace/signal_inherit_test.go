//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInheritedSignals starts h2trace under a shell that ignores signals which
// the Go runtime takes over. That needs a binary with a symbol table, which
// `go test` does not build and `go test -c` does.
func TestInheritedSignals(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "h2trace")
	if out, err := exec.Command("go", "test", "-c", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go test -c: %v\n%s", err, out)
	}
	run := func(script string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "H2TRACE_FAKE=", actAsH2trace+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
	const status = `grep -E "^Sig(Ign|Blk|Cgt)" /proc/self/status`
	tests := []struct {
		name, setup string
		want        string // a line that shows that the setup did something
	}{
		{"default", "exec", "SigIgn:\t0000000000000000"},
		{"pipe ignored", `trap "" PIPE; exec`, "SigIgn:\t0000000000001000"},
		{"many ignored", `trap "" HUP INT QUIT PIPE TERM USR1 CHLD TSTP XFSZ; exec`, "SigIgn:\t0000000001095207"},
		{
			"usr1 and chld blocked",
			`exec perl -MPOSIX -e 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1, SIGCHLD)); exec @ARGV'`,
			"SigBlk:\t0000000000010200",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := run(tt.setup + " " + status)
			if !strings.Contains(want, tt.want) {
				t.Fatalf("this shell cannot set it up: %s", want)
			}
			if got := run(tt.setup + " h2trace -q -o events " + status); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}
