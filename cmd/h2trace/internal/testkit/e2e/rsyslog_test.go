package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// syslogConfig is what the manual says of rsyslog, with a file for what it gets.
func syslogConfig(t testing.TB, events, received, work string) string {
	t.Helper()
	out, err := exec.Command(bin(t, "h2trace"), "help", "services").Output()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, line := range regexp.MustCompile(`(?m)^ +((?:global|module|input)\(.*)$`).FindAllStringSubmatch(string(out), -1) {
		lines = append(lines, line[1])
	}
	config := strings.Replace(strings.Join(lines, "\n"), "/var/log/h2trace/events.jsonl", events, 1)
	if len(lines) != 3 || !strings.Contains(config, events) {
		t.Fatalf("the manual has %q", lines)
	}
	return config + fmt.Sprintf(`
global(workDirectory=%q)
template(name="line" type="string" string="%%msg%%\n")
action(type="omfile" file=%q template="line")
`, work, received)
}

// startSyslog starts rsyslogd. The function ends it, after it has handled all that it has read.
func startSyslog(t testing.TB, config string) (stop func()) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "rsyslog.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := exec.CommandContext(ctx, needTool(t, "rsyslogd"), "-n", "-f", file, "-i", dir+"/pid")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &said, &said, promptly
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || said.Len() > 0 {
			t.Errorf("rsyslogd: %v\n%s", err, indent(said.String()))
		}
		cancel()
	}
	t.Cleanup(stop)
	return stop
}

// TestRsyslog has rsyslogd read the events while they are written: each byte of each line arrives,
// also over a rotation.
func TestRsyslog(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	sv := startService(t, nil, "-n", "loop")
	sv.awaitSaid("observing what runs", 1)
	dir := t.TempDir()
	received := filepath.Join(dir, "received")
	stop := startSyslog(t, syslogConfig(t, sv.events, received, dir))

	client := sv.startLoad(s.url+"/x", s.env)
	await(t, "received events", func() bool { return lines(received, `"event":"exchange"`) > 100 })
	// As logrotate does it, but without haste: when rsyslogd has followed, the next begins.
	if err := os.Rename(sv.events, sv.events+".1"); err != nil {
		t.Fatal(err)
	}
	sv.signal(syscall.SIGHUP)
	sv.awaitSaid("SIGHUP: opened", 1)
	await(t, "events in the new file", func() bool { return lines(sv.events, `"event":"exchange"`) > 100 })
	done := client.end()
	await(t, "the exit", func() bool { return lines(sv.events, `"action":"exit"`) == 1 })
	sv.stop()
	await(t, "the summary", func() bool { return lines(received, `"event":"summary"`) == 1 })
	stop()

	var whole []byte
	for _, file := range []string{sv.events + ".1", sv.events} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, b...)
	}
	got, err := os.ReadFile(received)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, whole) {
		t.Errorf("received %d bytes in %d lines, %d in %d were written", len(got), bytes.Count(got, []byte("\n")), len(whole), bytes.Count(whole, []byte("\n")))
	}
	wantLedger(t, got, done)
}
