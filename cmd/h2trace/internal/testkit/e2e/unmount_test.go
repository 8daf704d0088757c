package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mountTmpfs mounts a file system at dir for one test, which may unmount it.
func mountTmpfs(t *testing.T, dir string) {
	t.Helper()
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // it may be gone
}

// unmount unmounts like umount(8) without -l. A file may be in use for a moment,
// while it is examined.
func unmount(t *testing.T, dir string) {
	t.Helper()
	var err error
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = unix.Unmount(dir, 0); err == nil {
			return
		}
	}
	t.Errorf("unmount: %v", err)
}

// filesOpen counts the descriptors of a process that lead to a path.
func filesOpen(pid int, path string) int {
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	n := 0
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.Contains(to, path) {
			n++
		}
	}
	return n
}

// TestUnmounted runs programs of a file system that comes and goes, and comes again
// with another program at the same path.
func TestUnmounted(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a blank\nand a newline", "removable")
	tr := startTracing(t, command{flags: []string{"-n", filepath.Base(file)}})
	tr.awaitObserving()
	plug := func(p goProgram) {
		mountTmpfs(t, dir)
		if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		p.copyTo(t, file)
		await(t, "the mark", func() bool { return marked(t, gatekeeperOf(tr.cmd.Process.Pid), os.Getpid(), dir) })
	}
	want := make(map[string]bool)
	fetched := func(path string) string {
		want[path] = true
		return s.url + path
	}
	for i, p := range []goProgram{fetch, shuffled, stripped} {
		plug(p)
		run(t, []string{file, fetched(fmt.Sprintf("/first/%d", i))}, s.env)
		run(t, []string{file, fetched(fmt.Sprintf("/second/%d", i))}, s.env)
		tr.awaitEvent(`"action":"exit"`, 2*(i+1))
		unmount(t, dir)
	}
	// One that goes away while a program of it runs.
	plug(fetch)
	last := startFile(t, file, s.env, "-", fetched("/last"))
	tr.awaitEvent(`"action":"attached"`, 7)
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	last.goOn()
	last.end()
	tr.awaitEvent(`"action":"exit"`, 7)
	await(t, "h2trace to let go of the files", func() bool { return filesOpen(tr.cmd.Process.Pid, "removable") == 0 })
	tr.signal(os.Interrupt)
	wantWhole(t, tr.good(), want)
}

// TestRenamedOver renames another program over a program, as package managers do,
// while both run: each is read by its own plan.
func TestRenamedOver(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "upgraded")
	tr := startTracing(t, command{flags: []string{"-n", filepath.Base(file)}})
	tr.awaitObserving()
	want := make(map[string]bool)
	var runs []*program
	for i, p := range []goProgram{fetch, shuffled, stripped, fetch} {
		p.copyTo(t, file+".new")
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/upgraded/%d", i)
		want[path] = true
		runs = append(runs, startFile(t, file, s.env, "-", s.url+path))
	}
	for _, r := range runs {
		r.goOn()
		r.end()
	}
	tr.awaitEvent(`"action":"exit"`, len(runs))
	tr.signal(os.Interrupt)
	wantWhole(t, tr.good(), want)
}

// TestChroot runs a program under another root, where its path leads to another file
// than outside.
func TestChroot(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	root := t.TempDir()
	file := filepath.Join(root, "inside")
	shuffled.copyTo(t, file)
	for _, v := range s.env {
		if cert, ok := strings.CutPrefix(v, "SSL_CERT_FILE="); ok {
			b, err := os.ReadFile(cert)
			if err == nil {
				err = os.MkdirAll(filepath.Dir(root+cert), 0o755)
			}
			if err == nil {
				err = os.WriteFile(root+cert, b, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	r := startTracing(t, command{args: []string{"chroot", root, "/inside", s.url + "/chroot"}, env: s.env}).good()
	wantWhole(t, r, map[string]bool{"/chroot": true})
	if got := processEvents(r.stream, "attached"); len(got) != 1 || got[0].Comm != "inside" {
		t.Errorf("attached: %s", rawOf(got))
	}
}
