// Package golibrary finds the Go code of shared libraries in processes.
//
// A process can run Go code of a shared library: of -buildmode=c-shared in a program
// of another language, or of -buildmode=plugin. The package finds a library where a
// process has mapped it, and before that where the dynamic linker will find it.
package golibrary

import (
	"debug/elf"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/procfs"
)

// Library is a file with Go code.
type Library struct {
	Name string // in its process
	Path string // path to open it by
}

// Of returns the libraries that a process maps or is linked with, without
// executables.
func Of(pid int) []Library {
	thread := procfs.LivingThread(pid)
	list := mappedBy(thread)
	if exe, err := os.Readlink(procfs.Path(thread, "exe")); err == nil {
		list = slices.DeleteFunc(list, func(l Library) bool { return l.Name == exe })
	}
	return onlyGo(append(list, needed(procfs.Path(thread, "exe"), thread)...))
}

// mappedBy returns the files whose code a process maps.
func mappedBy(thread int) (list []Library) {
	maps, err := os.ReadFile(procfs.Path(thread, "maps"))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(maps)) {
		// address perms offset dev inode path, see proc_pid_maps(5).
		fields := strings.Fields(line)
		i := strings.IndexByte(line, '/')
		if len(fields) < 6 || i < 0 || !strings.Contains(fields[1], "x") {
			continue
		}
		list = append(list, Library{strings.TrimSuffix(line[i:], "\n"), ""}.of(thread))
	}
	return list
}

// of returns a library of a process, with a path to open it by.
func (l Library) of(thread int) Library {
	l.Path = procfs.Path(thread, "root") + l.Name
	if !filepath.IsAbs(l.Name) {
		l.Path = filepath.Join(procfs.Path(thread, "cwd"), l.Name)
	}
	return l
}

// searched are the directories that the dynamic linker searches last, see ld.so(8). Those
// of Debian are named for the architecture.
var searched = []string{
	"/lib/" + multiarch[runtime.GOARCH], "/usr/lib/" + multiarch[runtime.GOARCH],
	"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib",
}

var multiarch = map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

// NeededBy returns the libraries that the dynamic linker will load with a program, in
// a process with the environment and the directory of the given one. It does not
// follow the dependencies of a library.
func NeededBy(program string, pid int) []Library { return onlyGo(needed(program, pid)) }

// needed returns all libraries that the dynamic linker will load.
func needed(program string, thread int) (list []Library) {
	f, err := elf.Open(program)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, err := f.DynString(elf.DT_NEEDED)
	if err != nil || len(names) == 0 {
		return nil
	}
	var dirs []string
	add := func(paths ...string) {
		for _, path := range paths {
			dirs = append(dirs, strings.Split(path, ":")...)
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		paths, _ := f.DynString(tag)
		add(paths...)
	}
	if env, err := fetchenv.Read(thread); err == nil && env["LD_LIBRARY_PATH"] != "" {
		add(env["LD_LIBRARY_PATH"])
	}
	add(searched...)
	origin := filepath.Dir(program)
	if exe, err := os.Readlink(program); err == nil {
		origin = filepath.Dir(exe)
	}
	for _, name := range names {
		if strings.Contains(name, "/") {
			list = append(list, Library{Name: name}.of(thread))
			continue
		}
		for _, dir := range dirs {
			dir = strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin).Replace(dir)
			l := Library{Name: filepath.Join(dir, name)}.of(thread)
			if _, err := os.Stat(l.Path); err == nil {
				list = append(list, l)
				break
			}
		}
	}
	return list
}

// looked remembers which files have Go code: most processes map the same ones.
var looked struct {
	sync.Mutex
	isGo map[lookedAt]bool
}

type lookedAt struct {
	path    string
	size    int64
	changed time.Time
}

// maxLooked bounds how many files are remembered.
const maxLooked = 4096

func onlyGo(list []Library) []Library {
	var found []Library
	for _, l := range list {
		same := func(other Library) bool { return sameFile(other.Path, l.Path) }
		if IsGoFile(l.Path) && !slices.ContainsFunc(found, same) {
			found = append(found, l)
		}
	}
	return found
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, otherErr := os.Stat(b)
	return err == nil && otherErr == nil && os.SameFile(x, y)
}

// IsGoFile reports whether the Go linker wrote a file, also if that is stripped. It remembers
// the files that it has looked at.
func IsGoFile(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	real, err := os.Readlink(path)
	if err != nil {
		real = path
	}
	key := lookedAt{real, info.Size(), info.ModTime()}
	looked.Lock()
	defer looked.Unlock()
	if is, ok := looked.isGo[key]; ok {
		return is
	}
	if len(looked.isGo) >= maxLooked || looked.isGo == nil {
		looked.isGo = make(map[lookedAt]bool)
	}
	f, err := elf.Open(path)
	is := err == nil && f.Section(".go.buildinfo") != nil
	if err == nil {
		_ = f.Close()
	}
	looked.isGo[key] = is
	return is
}
