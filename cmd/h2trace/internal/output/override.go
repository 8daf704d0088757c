package output

import (
	"os"
	"path/filepath"
	"syscall"
)

// NeedsOverride reports whether it may take CAP_DAC_OVERRIDE to open a file again by its name, or to
// create others next to it: the file or its directory is another user's, or the directory's own mode
// is in the way.
func NeedsOverride(file string) bool {
	if info, err := os.Lstat(file); err == nil && !isOwn(info) {
		return true
	}
	info, err := os.Stat(filepath.Dir(file))
	if err != nil {
		return true
	}
	return !isOwn(info) || info.Mode()&0o300 != 0o300
}

func isOwn(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
