package e2e

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// unitFile is the unit that is released.
const unitFile = repository + "/scripts/release/h2trace.service"

// maxExposure is how exposed the unit may be, in the words of systemd-analyze(1).
const maxExposure = 3.0

// manager is a service manager of its own: systemd as for a user, who is root, on a machine that
// it believes to have booted.
type manager struct {
	t   testing.TB
	dir string
	env []string
}

// bootScript gives systemd what it looks for in /run, in a mount namespace of its own, and a cgroup
// of its own in each hierarchy. Without that, systemd takes the processes of the root for its own,
// and moves them.
const bootScript = `
for at in $(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts); do
	mkdir "$at/$0" && echo $$ >"$at/$0/cgroup.procs" # a cpuset takes none yet
done 2>/dev/null
grep -qx "0::/$0" /proc/self/cgroup || exit
! grep :name=systemd: /proc/self/cgroup | grep -qv ":/$0\$" || exit
mount --make-rprivate / && mkdir -p /run/systemd && mount -t tmpfs none /run/systemd || exit
mkdir -p /run/systemd/system /run/systemd/inaccessible/dir && cd /run/systemd/inaccessible || exit
touch reg && mkfifo fifo && mknod chr c 0 0 && mknod blk b 0 0 && touch sock && chmod 0 * || exit
cd / && exec /lib/systemd/systemd --user --log-target=console --log-level=warning
`

// startManager starts a service manager, which ends with the test.
func startManager(t testing.TB) *manager {
	t.Helper()
	needTool(t, "systemctl")
	dir, err := os.MkdirTemp("", "systemd-") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"run", "home"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	m := &manager{t: t, dir: dir, env: append(os.Environ(), "HOME="+dir+"/home", "XDG_RUNTIME_DIR="+dir+"/run", "XDG_CONFIG_HOME="+dir+"/home")}
	var log strings.Builder
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	name := filepath.Base(dir)
	cmd := exec.CommandContext(ctx, "unshare", "-m", "sh", "-c", bootScript, name)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = m.env, &log, &log, promptly
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reason error
	ended := make(chan struct{})
	go func() {
		reason = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() && log.Len() > 0 {
			t.Logf("systemd says\n%s", indent(log.String()))
		}
		_ = os.RemoveAll(dir)
		removeCgroups(t, name)
	})
	await(t, "the service manager", func() bool {
		select {
		case <-ended:
			t.Fatalf("systemd ended: %v", reason)
		default:
		}
		_, err := os.Stat(dir + "/run/systemd/private")
		return err == nil
	})
	return m
}

// removeCgroups removes a cgroup in each hierarchy, and those below.
func removeCgroups(t testing.TB, name string) {
	t.Helper()
	left, _ := filepath.Glob("/sys/fs/cgroup/*/" + name)
	for _, group := range append(left, "/sys/fs/cgroup/"+name) {
		var dirs []string
		_ = filepath.WalkDir(group, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			if err := syscall.Rmdir(dir); err != nil {
				t.Errorf("remove %s: %v", dir, err)
			}
		}
	}
}

// systemctl runs a command of systemctl(1), and returns what it prints.
func (m *manager) systemctl(args ...string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemctl", append([]string{"--user", "--no-pager"}, args...)...)
	cmd.Env = m.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		messages, _ := os.ReadFile(m.dir + "/messages")
		m.t.Fatalf("systemctl %q: %v\n%s\n%s", args, err, indent(string(out)), indent(string(messages)))
	}
	return strings.TrimSpace(string(out))
}

// install installs the unit, with the h2trace and the flags of a test.
func (m *manager) install(flags string) {
	m.t.Helper()
	b, err := os.ReadFile(unitFile)
	if err != nil {
		m.t.Fatal(err)
	}
	unit := strings.NewReplacer(
		"/usr/bin/h2trace ", bin(m.t, "h2trace")+" ",
		"/etc/default/h2trace", m.dir+"/flags",
		"Type=notify\n", "Type=notify\nStandardError=append:"+m.dir+"/messages\n",
	).Replace(string(b))
	if err := os.MkdirAll(m.dir+"/home/systemd/user", 0o755); err != nil {
		m.t.Fatal(err)
	}
	for file, text := range map[string]string{m.dir + "/home/systemd/user/h2trace.service": unit, m.dir + "/flags": "H2TRACE_FLAGS=" + flags + "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			m.t.Fatal(err)
		}
	}
	m.systemctl("daemon-reload")
}

// TestUnit has systemd run the unit with all its restrictions. When the start is over, whatever
// has the name is observed. A reload goes on in a new file, a restart after what is there.
//
// A service manager takes the processes of its cgroup for its own. It gets one where there is
// nobody else, but a test that many run starts none: without H2TRACE_MATRIX=1 TestUnitExposure,
// TestInContainer and TestLogrotate are what shows that the unit works.
func TestUnit(t *testing.T) {
	if os.Getenv("H2TRACE_MATRIX") != "1" {
		t.Attr("reduced", "0 of 1 service managers; scripts/matrix starts it")
		return
	}
	needProbes(t)
	s := startSite(t)
	m := startManager(t)
	m.install(`"-n served --source ` + source() + `"`)
	m.systemctl("start", "h2trace")
	dir, events := t.TempDir(), m.dir+"/home/log/h2trace/events.jsonl"
	fetched := func(name string) {
		t.Helper()
		fetch.copyTo(t, dir+"/served")
		attached := lines(events, `"action":"attached"`)
		p := startFile(t, dir+"/served", s.env, "-", s.url+"/"+name)
		await(t, "the probes", func() bool { return lines(events, `"action":"attached"`) > attached })
		p.goOn()
		p.end()
		if err := os.Remove(dir + "/served"); err != nil {
			t.Fatal(err)
		}
	}
	exited := func(n int) {
		t.Helper()
		await(t, "the exit", func() bool { return lines(events, `"action":"exit"`) == n })
	}
	pid := m.systemctl("show", "-P", "MainPID", "h2trace")
	wantConfined(t, pid)

	fetched("first")
	exited(1)
	if err := os.Rename(events, events+".1"); err != nil {
		t.Fatal(err)
	}
	m.systemctl("reload", "h2trace")
	await(t, "the new file", func() bool { _, err := os.Stat(events); return err == nil })
	fetched("second")
	exited(1)
	if now := m.systemctl("show", "-P", "MainPID", "h2trace"); now != pid {
		t.Errorf("process %s became %s", pid, now)
	}
	m.systemctl("restart", "h2trace")
	fetched("third")
	exited(2)
	m.systemctl("stop", "h2trace")
	if got := m.systemctl("show", "-P", "Result", "h2trace"); got != "success" {
		t.Errorf("result %q", got)
	}

	second, rest := splitRuns(t, events)
	first, err := os.ReadFile(events + ".1")
	if err != nil {
		t.Fatal(err)
	}
	wantLedger(t, append(first, second...), 2)
	wantLedger(t, rest, 1)
	for _, name := range []string{"first", "second", "third"} {
		if lines(events, s.url+"/"+name)+lines(events+".1", s.url+"/"+name) == 0 {
			t.Errorf("the request of %s is missing", name)
		}
	}
	for _, file := range []string{events, events + ".1"} {
		if n := lines(file, `"joined":"mid"`); n > 0 {
			t.Errorf("%d connections were joined late", n)
		}
	}
	messages, err := os.ReadFile(m.dir + "/messages")
	if err != nil || regexp.MustCompile(`(?i)permi|denied|not held`).Match(messages) {
		t.Errorf("%v\n%s", err, indent(string(messages)))
	}
}

// splitRuns returns the output of two runs in one file.
func splitRuns(t *testing.T, file string) (first, rest []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(b), `"event":"summary"`)
	if !ok {
		t.Fatal("no summary")
	}
	line, rest2, _ := strings.Cut(after, "\n")
	return []byte(before + `"event":"summary"` + line + "\n"), []byte(rest2)
}

// wantConfined requires that the rights of a process are those of the unit.
func wantConfined(t *testing.T, pid string) {
	t.Helper()
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	// What is left of the rights of the unit, by the numbers of linux/capability.h:
	// DAC_READ_SEARCH, SYS_PTRACE, LEASE, PERFMON, BPF.
	const want = uint64(1<<2 | 1<<19 | 1<<28 | 1<<38 | 1<<39)
	found := regexp.MustCompile(`(?m)^CapEff:\s+(\S+)$`).FindSubmatch(status)
	if found == nil {
		t.Fatal("no CapEff")
	}
	if got, err := strconv.ParseUint(string(found[1]), 16, 64); err != nil || got != want {
		t.Errorf("capabilities %x, want %x", got, want)
	}
	for _, line := range []string{`NoNewPrivs:\s+1`, `Seccomp:\s+2`} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).Match(status) {
			t.Errorf("not %s", line)
		}
	}
}

// TestUnitExposure has systemd rate the unit, and find no fault in it.
func TestUnitExposure(t *testing.T) {
	analyze := needTool(t, "systemd-analyze")
	out, err := exec.Command(analyze, "--no-pager", "security", "--offline=true", unitFile).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`Overall exposure level for h2trace.service: (\S+) `).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no exposure:\n%s", indent(string(out)))
	}
	if level, err := strconv.ParseFloat(string(found[1]), 64); err != nil || level > maxExposure {
		t.Errorf("exposure %s, want at most %.1f", found[1], maxExposure)
	}
	// verify looks for the program, too.
	b, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	child.WriteProgram(t, dir+"/h2trace", []byte("#!/bin/sh\n"))
	unit := strings.Replace(string(b), "/usr/bin/h2trace ", dir+"/h2trace ", 1)
	if err := os.WriteFile(dir+"/h2trace.service", []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err = exec.Command(analyze, "--man=no", "verify", dir+"/h2trace.service").CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err != nil || len(out) > 0 {
		t.Errorf("verify: %v\n%s", err, indent(string(out)))
	}
}
