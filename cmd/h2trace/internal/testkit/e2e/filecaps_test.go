package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"kernel.org/pub/linux/libs/security/libcap/cap"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// asNobody is a user without rights, as one is who has logged in: with none that it could have again.
func asNobody() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// openToNobody lets everybody search the directories of a file that a test has made.
func openToNobody(t testing.TB, file string) {
	t.Helper()
	for dir := filepath.Dir(file); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// withFileCapabilities returns a copy of h2trace whose file has capabilities (setcap(8)), as "+ep".
func withFileCapabilities(t testing.TB, names []string) string {
	t.Helper()
	b, err := os.ReadFile(bin(t, "h2trace"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "h2trace")
	if err := os.WriteFile(file, b, 0o755); err != nil {
		t.Fatal(err)
	}
	openToNobody(t, file)
	set := cap.NewSet()
	for _, name := range names {
		value, err := cap.FromName(strings.ToLower(name))
		if err == nil {
			err = errors.Join(set.SetFlag(cap.Permitted, true, value), set.SetFlag(cap.Effective, true, value))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := set.SetFile(file); errors.Is(err, syscall.EOPNOTSUPP) {
		t.Skip("the file system of " + file + " keeps no capabilities")
	} else if err != nil {
		t.Fatal(err)
	}
	return file
}

// runAsNobody runs a program with its arguments, and returns what it prints.
func runAsNobody(t testing.TB, env []string, argv ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var out, messages bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = env, "/", &out, &messages, asNobody()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), messages.String(), cmd.ProcessState.ExitCode()
}

// nobodysSite is a site that processes of nobody can trust, and the client for it.
func nobodysSite(t testing.TB) (s *site, client string) {
	t.Helper()
	s, client = startSite(t), filepath.Join(t.TempDir(), "fetch")
	fetch.copyTo(t, client)
	openToNobody(t, client)
	for _, variable := range s.env {
		if file, ok := strings.CutPrefix(variable, "SSL_CERT_FILE="); ok {
			openToNobody(t, file)
			if err := os.Chmod(file, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s, client
}

// TestFileCapabilities has a user without rights run the real h2trace, whose file has those of the
// table of README.md: on a command, which gets none of them, and on a process that runs already.
func TestFileCapabilities(t *testing.T) {
	needProbes(t)
	t.Setenv("TMPDIR", os.TempDir()) // which a C library removes from programs with file capabilities, and what follows moves
	s, client := nobodysSite(t)
	for name, names := range map[string][]string{
		"all":    tableCapabilities(t, []string{"CAP_KILL", "CAP_IPC_LOCK", "CAP_DAC_OVERRIDE", "CAP_CHOWN"}), // as the unit
		"needed": {"CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"},
	} {
		t.Run(name, func(t *testing.T) {
			h2trace := withFileCapabilities(t, names)
			_, kept, status := runAsNobody(t, nil, "sh", "-c", `trap "" PIPE; exec "$@"`, "sh",
				h2trace, "-q", "-e", "process", "grep", "-E", "^(Cap[^B].*:.*[1-9a-f]|SigIgn)", "/proc/self/status")
			if status != 0 || kept != "SigIgn:\t0000000000001000\n" { // SIGPIPE, and no capability
				t.Errorf("COMMAND: status %d\n%s", status, indent(kept))
			}
			out, messages, status := runAsNobody(t, s.env, h2trace, "--source", source(), client, s.url+"/own")
			if status != 0 {
				t.Errorf("status %d", status)
			}
			wantRequest(t, out, messages, "/own")
			if name == "all" && strings.Contains(messages, "not held") {
				t.Errorf("messages\n%s", indent(messages))
			}
			wantCheck(t, h2trace)
			observeRunning(t, s, h2trace, client)
		})
	}
}

func wantRequest(t testing.TB, events, messages, path string) {
	t.Helper()
	stream, err := contract.Read(strings.NewReader(events))
	if err != nil {
		t.Fatalf("%v\n%s", err, indent(messages))
	}
	wantPaths(t, stream, []string{path}, path)
	if err := checkBalance(stream); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		t.Logf("messages\n%s", indent(messages))
	}
}

// wantCheck requires that run mode works as h2trace check says.
func wantCheck(t testing.TB, h2trace string) {
	t.Helper()
	out, messages, status := runAsNobody(t, nil, h2trace, "check")
	if status != 0 || messages != "" || strings.Contains(out, "/proc/self") {
		t.Errorf("check: status %d\n%s", status, indent(out+messages))
	}
}

// observeRunning has h2trace observe a process of the same user that runs already.
func observeRunning(t *testing.T, s *site, h2trace, client string) {
	t.Helper()
	target := exec.Command(client, "-", s.url+"/running")
	target.Env, target.SysProcAttr, target.Dir, target.Stderr = s.env, asNobody(), "/", os.Stderr
	stdin, stdout := child.Hold(t, target)
	if _, err := stdout.Read(make([]byte, 1)); err != nil { // it waits
		t.Fatal(err)
	}
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "stderr.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var events bytes.Buffer
	cmd := exec.Command(h2trace, "--source", source(), "-p", strconv.Itoa(target.Process.Pid))
	cmd.Dir, cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = "/", asNobody(), &events, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := func() string {
		b, err := os.ReadFile(log.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	await(t, "h2trace to observe", func() bool {
		return strings.Contains(said(), "observing ") || cmd.Process.Signal(syscall.Signal(0)) != nil
	})
	if _, err := stdin.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(target.Wait(), cmd.Wait()); err != nil { // it ends with its last target
		t.Fatalf("%v\n%s", err, indent(said()))
	}
	wantRequest(t, events.String(), said(), "/running")
}

// tableCapabilities returns the capabilities of the table of README.md, but some.
func tableCapabilities(t testing.TB, without []string) []string {
	t.Helper()
	b, err := os.ReadFile(repository + "/cmd/h2trace/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(b), "\n| capability |")
	table, _, end := strings.Cut(table, "\n\n")
	if !ok || !end {
		t.Fatal("README.md has no table of capabilities")
	}
	var names []string
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) < 2 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "CAP_") {
			continue
		}
		for name := range strings.SplitSeq(cells[1], ",") {
			if name = strings.TrimSpace(name); !slices.Contains(without, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
