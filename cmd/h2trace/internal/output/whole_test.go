package output

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/export"
)

// limitFiles runs a test in a process of its own, whose files grow to a size at most (setrlimit(2)). It
// reports whether this is that process: in the first one, package testing writes files meanwhile.
func limitFiles(t *testing.T, size uint64) bool {
	t.Helper()
	const limited = "H2TRACE_TEST_LIMITED"
	if os.Getenv(limited) != "" {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: size}); err != nil {
			t.Fatal(err)
		}
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd.Env = append(os.Environ(), limited+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// smallDisk mounts a file system with room for a page.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Skipf("mount needs root: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// TestWholeEvents finds where the last whole event ends.
func TestWholeEvents(t *testing.T) {
	for _, tt := range []struct{ written, rest, want string }{
		{"", "one\n", ""},
		{"one", "\n", ""},
		{"one\n", "", "one\n"},
		{"one\ntw", "o\n", "one\n"},
		{"one\ntwo\n", "three\n", "one\ntwo\n"},
		{"one\ntwo\n", "\tof two\n", "one\n"},
		{"one\ntwo\n\tof", " two\n", "one\n"},
		{"one\n\tof one\n", "\tof one\n", ""},
		{"one\n\tof one\n", "", "one\n\tof one\n"},
	} {
		if got := wholeEvents([]byte(tt.written+tt.rest), len(tt.written)); got != len(tt.want) {
			t.Errorf("%q of %q: got %d, want %d", tt.written, tt.written+tt.rest, got, len(tt.want))
		}
	}
}

// TestNoRoom writes events to a full disk, and to a file that may not grow. Whole lines are left,
// and all others are counted.
func TestNoRoom(t *testing.T) {
	for _, tt := range []struct {
		name  string
		setUp func(t *testing.T) (dir string) // "" if another process does the rest
		want  error
	}{
		{"full disk", smallDisk, unix.ENOSPC},
		{"file size", func(t *testing.T) string {
			if !limitFiles(t, 4000) {
				return ""
			}
			return t.TempDir()
		}, unix.EFBIG},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.setUp(t)
			if dir == "" {
				return
			}
			path := filepath.Join(dir, "events")
			o, err := Open(path, nil, message.New(os.Stderr, true))
			if err != nil {
				t.Fatal(err)
			}
			const events = 100
			j := export.NewJSONL(o, export.Options{})
			for i := range uint64(events) {
				j.Loss(&export.Loss{Reason: export.LossGap, Bytes: &i})
			}
			if err := j.Close(); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err := o.Close(); !errors.Is(err, tt.want) {
				t.Errorf("Close: got %v, want %v", err, tt.want)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			n := bytes.Count(b, []byte{'\n'})
			if !bytes.HasSuffix(b, []byte("}\n")) || n == 0 || uint64(n)+j.Unwritten() != events {
				t.Errorf("%d lines and %d that were not written; the end is %q", n, j.Unwritten(), b[max(0, len(b)-50):])
			}
		})
	}
}

// TestFollowedCut leaves what another process has written, and ends the cut line when there is
// room again.
func TestFollowedCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	o, err := Open(path, nil, message.New(os.Stderr, true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Write([]byte("whole\ncut")); err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = other.WriteString(" other")
	}
	if err != nil {
		t.Fatal(errors.Join(err, other.Close()))
	}
	defer other.Close()
	if err := o.TakeBack(3); !errors.Is(err, errFollowed) {
		t.Errorf("got %v, want %v", err, errFollowed)
	}
	o.cut = true
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "whole\ncut other\n" {
		t.Errorf("got %q, %v", b, err)
	}
}

// TestNoRoomForSecrets leaves whole lines of a key log, and counts the secrets that are missing.
func TestNoRoomForSecrets(t *testing.T) {
	if !limitFiles(t, 100) {
		return
	}
	path := filepath.Join(t.TempDir(), "keys")
	s, err := OpenSecrets(path, nil, message.New(os.Stderr, true))
	if err != nil {
		t.Fatal(err)
	}
	line := []byte("CLIENT_RANDOM 0001 0002\n") // of 24 bytes
	for range 10 {
		_, _ = s.Write(line)
	}
	want := fmt.Sprintf("session secrets: write %s: file too large: 6 secrets were not written", path)
	if err := s.Close(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != strings.Repeat(string(line), 4) {
		t.Errorf("got %q, %v", b, err)
	}
}

// TestNoRoomForPackets takes back the bytes of a cut block, and says how many packets are missing.
func TestNoRoomForPackets(t *testing.T) {
	if !limitFiles(t, 10) {
		return
	}
	path := filepath.Join(t.TempDir(), "packets")
	p, err := OpenPackets(PacketOptions{Path: path}, nil, message.New(os.Stderr, true))
	if err != nil {
		t.Fatal(err)
	}
	n, err := p.Write([]byte("block,block,"))
	if n != 10 || !errors.Is(err, unix.EFBIG) {
		t.Fatalf("got %d, %v", n, err)
	}
	if err := p.TakeBack(4); err != nil {
		t.Error(err)
	}
	p.Lacks(1)
	want := fmt.Sprintf("packets: write %s: file too large: 1 packet was not written", path)
	if err := p.Close(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "block," {
		t.Errorf("got %q, %v", b, err)
	}
}
