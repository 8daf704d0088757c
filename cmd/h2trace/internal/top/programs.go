package top

import (
	"os"
	"path/filepath"
	"slices"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/golibrary"
	"h2trace/cmd/h2trace/internal/procfs"
)

// maxPrograms is how many names are observed at most; the kernel side has room for more.
const maxPrograms = 200

// Programs returns the base names of the executables that Go built and that run now, and of
// those that are to be expected.
func Programs() []string {
	names := []string{"go", "gopls"}
	self, _ := os.Executable() // of none, each is looked at
	looked := map[string]bool{self: true}
	for _, p := range procfs.All() {
		name := filepath.Base(p.Exe)
		if looked[p.Exe] || len(name) > bpf.MaxName || len(names) >= maxPrograms {
			continue
		}
		looked[p.Exe] = true
		if !slices.Contains(names, name) && golibrary.IsGoFile(procfs.Path(p.PID, "exe")) {
			names = append(names, name)
		}
	}
	return names
}
