package output

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/message"
)

// TestNotOpened has files that this thread may not open, as it accesses files as another user. The
// error says what is wrong with the file, if something is. No message speaks of events in it.
func TestNotOpened(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to act as another user")
	}
	const other = 65534
	for _, tt := range []struct {
		name string
		make func(file string) error
		want string
	}{
		{"own", func(string) error { return nil }, "permission denied"},
		{"of another", func(file string) error { return os.Chown(file, 1, -1) }, "belongs to user 1"},
		{"hard link", func(file string) error { return os.Link(file, file+"2") }, "is a hard link"},
		{"pipe of another", func(file string) error {
			return errors.Join(os.Remove(file), unix.Mkfifo(file, 0o600), os.Chown(file, 1, -1))
		}, "permission denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "events")
			if err := errors.Join(os.WriteFile(file, nil, 0o644), tt.make(file)); err != nil {
				t.Fatal(err)
			}
			for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
				if err := os.Chmod(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if _, err := unix.SetfsuidRetUid(other); err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = unix.SetfsuidRetUid(0) }()
			var said strings.Builder
			_, err := openExisting(file, []int{0}, message.New(&said, false), emptied)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if said.Len() > 0 {
				t.Errorf("it says %q", said.String())
			}
		})
	}
}
