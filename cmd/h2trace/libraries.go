package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/export"
)

// A process can run Go code of a shared library: of -buildmode=c-shared in a program
// of another language, or of -buildmode=plugin. It is looked for where a process
// maps it, and, before the dynamic linker has done that, where it will find it.

// library is a file with Go code.
type library struct {
	name string // in its process
	path string // where it can be opened
}

// goLibraries returns those that a process maps, or is linked with, of those that
// are no executables.
func goLibraries(pid int) []library {
	thread := procfs.LivingThread(pid)
	list := mappedBy(thread)
	if exe, err := os.Readlink(procfs.Path(thread, "exe")); err == nil {
		list = slices.DeleteFunc(list, func(l library) bool { return l.name == exe })
	}
	return onlyGo(append(list, neededBy(procfs.Path(thread, "exe"), thread)...))
}

// mappedBy returns the files of which a process maps code.
func mappedBy(thread int) (list []library) {
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
		list = append(list, library{strings.TrimSuffix(line[i:], "\n"), ""}.of(thread))
	}
	return list
}

// of returns a library of a process with where it can be opened.
func (l library) of(thread int) library {
	l.path = procfs.Path(thread, "root") + l.name
	if !filepath.IsAbs(l.name) {
		l.path = filepath.Join(procfs.Path(thread, "cwd"), l.name)
	}
	return l
}

// searched are where the dynamic linker looks last, see ld.so(8).
var searched = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"}

// neededBy returns what the dynamic linker is to load with a program, in a process
// with the environment and the directory of the given one. What a library needs
// itself is not looked for.
func neededBy(program string, thread int) (list []library) {
	f, err := elf.Open(program)
	if err != nil {
		return nil
	}
	defer f.Close()
	needed, err := f.DynString(elf.DT_NEEDED)
	if err != nil || len(needed) == 0 {
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
	for _, name := range needed {
		if strings.Contains(name, "/") {
			list = append(list, library{name: name}.of(thread))
			continue
		}
		for _, dir := range dirs {
			dir = strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin).Replace(dir)
			l := library{name: filepath.Join(dir, name)}.of(thread)
			if _, err := os.Stat(l.path); err == nil {
				list = append(list, l)
				break
			}
		}
	}
	return list
}

// looked remembers which files have Go code: most processes map the same.
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

func onlyGo(list []library) []library {
	var found []library
	for _, l := range list {
		same := func(other library) bool { return sameFile(other.path, l.path) }
		if isGoFile(l.path) && !slices.ContainsFunc(found, same) {
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

// isGoFile reports whether the Go linker has made a file.
func isGoFile(path string) bool {
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

// loaded is a library that was attached to.
type loaded struct {
	library
	exe *bpf.Executable
}

// attachLibraries gives the Go code in the libraries of a process its probes. It
// returns what was attached to, and why nothing can be captured of another.
func (p *processes) attachLibraries(libraries []library) (list []loaded, reason string) {
	for _, l := range libraries {
		exe, err := p.collector.Attach(l.path)
		if err == nil && exe.Skip == "" {
			list = append(list, loaded{l, exe})
			continue
		}
		why := err
		if err == nil {
			why = errors.Join(errors.New(exe.Skip), p.collector.Release(exe))
		}
		reason = fmt.Sprintf("Go code in %s is not looked at: %v", l.name, why)
	}
	return list, reason
}

// linked attaches to the Go code that a program is linked with which is about to be
// executed by a process, for as long as h2trace observes. What fails is tried again
// when it is executed.
func (p *processes) linked(program string, pid int) {
	_, _ = p.attachLibraries(onlyGo(neededBy(program, pid)))
}

// holdLibraries remembers them of a process, to let go of them with it.
func (p *processes) holdLibraries(proc process, list []loaded) error {
	p.mu.Lock()
	known, ok := p.known[proc.pid]
	if ok = ok && known.at == proc.at; ok {
		known.libraries = list
		p.known[proc.pid] = known
	}
	p.mu.Unlock()
	if ok {
		return nil
	}
	return p.release(list)
}

func (p *processes) release(list []loaded) error {
	var err error
	for _, l := range list {
		err = errors.Join(err, p.collector.Release(l.exe))
	}
	return err
}

// library attaches to the Go code in the libraries of a process whose executable, if
// that is given, gets no probes. It returns the outcome to print.
func (p *processes) library(proc process, exe *bpf.Executable) *export.Process {
	list, reason := p.attachLibraries(goLibraries(proc.pid))
	switch {
	case len(list) > 0:
		if err := p.holdLibraries(proc, list); err != nil {
			p.msg.Errorf("%v", err)
		}
		exe = list[0].exe
	case exe == nil:
		return &export.Process{}
	case exe.NoTLS == nil:
		if reason != "" {
			reason = "; " + reason
		}
		return p.skip(proc, exe.Skip+reason)
	}
	p.mu.Lock()
	p.attached++
	p.mu.Unlock()
	outcome := p.attachedTo(exe)
	if len(list) > 0 {
		outcome.Reason = "by Go code in " + list[0].name
	}
	p.remember(proc, outcome)
	return outcome
}

// lookAgain has the libraries looked for of processes that run on, at longer and
// longer intervals: a program can load them at any time.
func (p *processes) lookAgain(now int64) {
	p.mu.Lock()
	var list []process
	for pid, proc := range p.known {
		if proc.file == nil || proc.file.Skip == "" || len(proc.libraries) > 0 || now < proc.again {
			continue
		}
		if proc.again > 0 { // the first time was when it was attached to
			list = append(list, proc)
		}
		proc.again = now + max(now-proc.at, firstLook.Nanoseconds())
		p.known[pid] = proc
	}
	p.mu.Unlock()
	for _, proc := range list {
		proc.loads = true
		select {
		case p.queue <- proc:
		default: // there is more urgent work
		}
	}
}

// firstLook is how soon after the attaching libraries are looked for again.
const firstLook = 50 * time.Millisecond
