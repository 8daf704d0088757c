package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
)

// smallDisk mounts a file system with room for a page.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// TestSmallDisk has no room on a disk for all events, packets and session secrets of a command.
// What is there is whole, what is missing is counted, and the command ends as without h2trace.
func TestSmallDisk(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	script := []string{"sh", "-c", `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do "$@" || exit; done; exit 7`, "sh", fetch.path(t), s.url + "/text"}
	run := func(t *testing.T, flag string) (file string) {
		t.Helper()
		file = filepath.Join(smallDisk(t), "file")
		r := invoke(t, invocation{args: append([]string{"--output=" + filepath.Join(t.TempDir(), "events"), flag + "=" + file}, script...), env: s.env})
		counted := regexp.MustCompile(`h2trace: .*write ` + regexp.QuoteMeta(file) + `: no space left on device: \d+ \w+ were not written\n`)
		if n := len(counted.FindAllString(r.stderr, -1)); r.status != 125 || n != 1 {
			t.Errorf("status %d, %d messages of what is missing\n%s", r.status, n, indent(r.stderr))
		}
		return file
	}
	t.Run("events", func(t *testing.T) {
		b, err := os.ReadFile(run(t, "--output"))
		if err != nil || !bytes.HasSuffix(b, []byte("\n")) {
			t.Errorf("%v, and the last of %d bytes are %q", err, len(b), b[max(0, len(b)-50):])
		}
		for line := range bytes.Lines(b) {
			if !json.Valid(line) {
				t.Errorf("not JSON: %q", line)
			}
		}
	})
	t.Run("packets", func(t *testing.T) {
		file := run(t, "--pcap")
		out, err := exec.CommandContext(t.Context(), "tshark", "-r", file).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("TCP")) || bytes.Contains(out, []byte("cut short")) {
			t.Errorf("tshark: %v\n%s", err, out)
		}
	})
	t.Run("secrets", func(t *testing.T) {
		b, err := os.ReadFile(run(t, "--keylog"))
		secret := regexp.MustCompile(`^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}\n$`)
		for line := range bytes.Lines(b) {
			if !secret.Match(line) {
				t.Errorf("not a secret: %q", line)
			}
		}
		if err != nil || len(b) == 0 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
}
