package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// rotations is how often the file is rotated under load.
const rotations = 6

// TestLogrotate has logrotate, with the configuration that is released, rotate the events of a
// client that never pauses. All files together are the whole output of a run: each line once, in
// order, and as many as the summary and the client count.
func TestLogrotate(t *testing.T) {
	needProbes(t)
	logrotate := needTool(t, "logrotate")
	s := startSite(t)
	sv := startService(t, nil, "-n", "loop")
	sv.awaitSaid("observing what runs", 1)
	config := logrotateConfig(t, sv)

	client := sv.startLoad(s.url+"/x", s.env)
	var rotated []string
	for i := range rotations {
		// New events are in the file, so that it is rotated and the old one is complete.
		await(t, "events in the new file", func() bool { return lines(sv.events, `"type":"DATA"`) > 100 })
		rotate := exec.Command(logrotate, "--force", "--state", config+".state", config)
		rotate.Env = append(os.Environ(), "PATH="+filepath.Dir(config)+":"+os.Getenv("PATH"))
		if out, err := rotate.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		sv.awaitSaid("SIGHUP: opened "+sv.events+" again", i+1)
		rotated = append(rotated, strconv.Itoa(rotations-i)+map[bool]string{true: ".gz"}[i < rotations-1])
	}
	done := client.end()
	await(t, "the exit", func() bool { return lines(sv.events, `"action":"exit"`) == 1 })
	sv.stop()

	var whole []byte
	for _, suffix := range append(rotated, "") {
		file := strings.TrimSuffix(sv.events+"."+suffix, ".")
		out, err := exec.Command("gzip", "-cdf", file).Output()
		if err != nil || len(out) == 0 {
			t.Fatalf("%s: %v, %d bytes", file, err, len(out))
		}
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
		whole = append(whole, out...)
	}
	wantLedger(t, whole, done)
}

// wantLedger requires that output is that of one run, with as many exchanges as the client made.
func wantLedger(t *testing.T, output []byte, exchanges int64) {
	t.Helper()
	stream, err := contract.Read(bytes.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkBalance(stream); err != nil {
		t.Error(err)
	}
	b, err := stream.Summary.Balance()
	if err != nil {
		t.Fatal(err)
	}
	frames, ended := int64(len(stream.Of("frame"))), int64(len(stream.Of("exchange")))
	if frames != *stream.Summary.Frames || ended != *stream.Summary.Exchanges {
		t.Errorf("%d frames, %d exchanges; the summary has %d, %d", frames, ended, *stream.Summary.Frames, *stream.Summary.Exchanges)
	}
	if b.Lost == 0 && ended != exchanges {
		t.Errorf("%d exchanges, the client made %d", ended, exchanges)
	}
	t.Logf("%d exchanges, %d frames, %d of %d records lost", ended, frames, b.Lost, b.Seen)
}

// logrotateConfig writes the released configuration, with the file of a service in it, and next
// to it a systemctl that knows that service.
func logrotateConfig(t *testing.T, sv *service) string {
	t.Helper()
	released, err := os.ReadFile(filepath.Join(repository, "scripts/release/h2trace.logrotate"))
	if err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(string(released), "/var/log/h2trace/*.jsonl", sv.events, 1)
	if config == string(released) {
		t.Fatal("the configuration names other files")
	}
	file := filepath.Join(t.TempDir(), "h2trace")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	systemctl := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in\n'is-active --quiet h2trace') ;;\n'reload h2trace') kill -HUP %d ;;\n*) exit 1 ;;\nesac\n", sv.cmd.Process.Pid)
	child.WriteProgram(t, filepath.Join(filepath.Dir(file), "systemctl"), []byte(systemctl))
	return file
}

// TestReopenRefused puts something in the place of the file that will not do. Events go on into
// the old one.
func TestReopenRefused(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	sv := startService(t, nil, "-n", "fetch")
	sv.awaitSaid("observing what runs", 1)
	old := sv.events + ".old"
	tests := []struct {
		name, want string
		put        func() error
	}{
		{"a directory", "no regular file", func() error { return os.Mkdir(sv.events, 0o755) }},
		{"a pipe without a reader", "no regular file", func() error { return syscall.Mkfifo(sv.events, 0o600) }},
		{"a file of somebody else", "belongs to user 65534", func() error {
			return firstError(os.WriteFile(sv.events, nil, 0o600), func() error { return os.Chown(sv.events, 65534, 65534) })
		}},
		{"a link to a device", "no regular file", func() error { return os.Symlink("/dev/null", sv.events) }},
	}
	if err := os.Rename(sv.events, old); err != nil {
		t.Fatal(err)
	}
	for i, tt := range tests {
		if err := tt.put(); err != nil {
			t.Fatal(err)
		}
		sv.signal(syscall.SIGHUP)
		sv.awaitSaid("events go on into the old file", i+1)
		said := sv.said()
		if last := said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]; !strings.Contains(last, tt.want) {
			t.Errorf("%s: %s", tt.name, last)
		}
		if err := os.Remove(sv.events); err != nil {
			t.Fatal(err)
		}
	}
	p := startFile(t, fetch.path(t), s.env, "-", s.url+"/old")
	await(t, "the probes", func() bool { return lines(old, `"action":"attached"`) == 1 })
	p.goOn()
	p.end()
	await(t, "the exit", func() bool { return lines(old, `"action":"exit"`) == 1 })
	// Nothing is there: a new file.
	sv.signal(syscall.SIGHUP)
	sv.awaitSaid("SIGHUP: opened", 1)
	sv.stop()
	output, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	last, err := os.ReadFile(sv.events)
	if err != nil {
		t.Fatal(err)
	}
	wantLedger(t, slices.Concat(output, last), 1)
}

func firstError(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// TestHangUp ends the terminal of h2trace, whose observation ends, too.
func TestHangUp(t *testing.T) {
	needProbes(t)
	p := startPane(t, os.Environ())
	events := filepath.Join(t.TempDir(), "events.jsonl")
	p.enter("exec " + shellWords(bin(t, "h2trace"), "-o", events, "-n", "no-such-name"))
	p.await("observing what runs")
	p.end()
	await(t, "the summary", func() bool { return lines(events, `"event":"summary"`) == 1 })
	b, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	var summary struct{ Signal string }
	if err := json.Unmarshal(b, &summary); err != nil || summary.Signal != "SIGHUP" {
		t.Errorf("signal %q, %v", summary.Signal, err)
	}
}

// TestAppend keeps what a run that was killed has left, and ends its last line.
func TestAppend(t *testing.T) {
	needProbes(t)
	events := filepath.Join(t.TempDir(), "events.jsonl")
	const before = "{}\n{\"v\":1,\"ts\""
	for i, tt := range []struct{ before, want string }{
		{before, before + "\n"}, {"{}\n", "{}\n"}, {"", ""},
	} {
		if err := os.WriteFile(events, []byte(tt.before), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := invoke(t, invocation{args: []string{"-q", "-A", "-o", events, "-e", "summary", "true"}}); r.status != 0 {
			t.Fatalf("%d: status %d\n%s", i, r.status, r.stderr)
		}
		b, err := os.ReadFile(events)
		if err != nil {
			t.Fatal(err)
		}
		rest, ok := strings.CutPrefix(string(b), tt.want)
		if !ok || !strings.HasPrefix(rest, `{"v":1,"ts":"`) || strings.Count(rest, "\n") != 1 {
			t.Errorf("%d: %q", i, b)
		}
		checkEvents(t, rest)
	}
}
