package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a terminal of a width (pty(7)).
func openTerminal(t *testing.T, columns uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// onTerminal returns what h2trace prints on a terminal of a width.
func onTerminal(t *testing.T, columns uint16, args ...string) string {
	t.Helper()
	master, slave := openTerminal(t, columns)
	printed := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(master) // EIO, when all ends of the other side are closed
		printed <- b
	}()
	if status := run(args, nil, slave, io.Discard); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	if err := slave.Close(); err != nil {
		t.Fatal(err)
	}
	b := <-printed
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
}

// TestTerminal prints events on terminals: as text that fits, in colour unless that is not
// wanted. -f json is JSON there, too.
func TestTerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	file := filepath.Join(t.TempDir(), "run.jsonl")
	line := `{"v":1,"ts":"2026-11-30T09:00:00.000000000Z","event":"request","pid":7,"comm":"go","conn":"c1","stream":1,"method":"GET","url":"https://goproxy.example/` +
		strings.Repeat("long/", 50) + `@v/v1.0.0.zip","protocol":"h2"}` + "\n"
	if err := os.WriteFile(file, []byte(strings.Repeat(line, 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	colour := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, columns := range []int{60, 80, 132} {
		got := onTerminal(t, uint16(columns), "replay", file)
		if !colour.MatchString(got) {
			t.Errorf("no colour: %q", got[:200])
		}
		lines := strings.Split(strings.TrimSuffix(colour.ReplaceAllString(got, ""), "\n"), "\n")
		if len(lines) != 100 {
			t.Errorf("%d lines, want 100", len(lines))
		}
		for _, line := range lines {
			if n := len([]rune(line)); n != columns || !strings.HasSuffix(line, "/v1.0.0.zip") {
				t.Fatalf("%d columns of %d: %s", n, columns, line)
			}
		}
	}
	if got := onTerminal(t, 80, "replay", "-f", "json", file); got != strings.Repeat(line, 100) {
		t.Errorf("with -f json: %q", got[:200])
	}
	for name, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb"} {
		t.Setenv("NO_COLOR", "")
		t.Setenv("TERM", "xterm")
		t.Setenv(name, value)
		if got := onTerminal(t, 80, "replay", file); colour.MatchString(got) {
			t.Errorf("with %s=%s: %q", name, value, got[:200])
		}
	}
}
