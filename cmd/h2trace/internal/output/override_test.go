package output

import (
	"os"
	"path/filepath"
	"testing"
)

// TestNeedsOverride has files and directories of this user, and of another one.
func TestNeedsOverride(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give files away")
	}
	const other = 65534
	for _, tt := range []struct {
		name          string
		fileOf, dirOf int // user ids; -1 is no file
		mode          os.FileMode
		want          bool
	}{
		{"own", 0, 0, 0o700, false},
		{"to be created", -1, 0, 0o700, false},
		{"file of another", other, 0, 0o700, true},
		{"directory of another", 0, other, 0o777, true},
		{"read-only directory", 0, 0, 0o500, true},
		{"directory that is not searched", -1, 0, 0o600, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "events")
			if tt.fileOf >= 0 {
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chown(file, tt.fileOf, -1); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chown(dir, tt.dirOf, -1); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, tt.mode); err != nil {
				t.Fatal(err)
			}
			if got := NeedsOverride(file); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if missing := filepath.Join(t.TempDir(), "missing", "events"); !NeedsOverride(missing) {
		t.Error("a missing directory may be made by another user")
	}
}
