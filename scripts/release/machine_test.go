//go:build linux

package release

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// machine is this machine with a layer over its files, which takes all that is written. Only
// the test sees it.
type machine struct {
	t     *testing.T
	root  string // all files
	upper string // those that were written
}

// newMachine makes one. The test stays on its thread, which alone has the mounts, and which
// ends with the test.
func newMachine(t *testing.T) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount")
	}
	base, err := os.MkdirTemp("", "h2trace-machine-")
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	check("unshare", unix.Unshare(unix.CLONE_NEWNS))
	check("make mounts private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	check("mount tmpfs", unix.Mount("tmpfs", base, "tmpfs", 0, "mode=755"))
	t.Cleanup(func() {
		// With it go the mounts below, which are of the machine itself: nothing is removed
		// before they are gone.
		if err := unix.Unmount(base, unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(base); err != nil {
			t.Error(err)
		}
	})
	m := &machine{t: t, root: filepath.Join(base, "root"), upper: filepath.Join(base, "upper")}
	for _, dir := range []string{m.root, m.upper, filepath.Join(base, "work")} {
		check("mkdir", os.Mkdir(dir, 0o755))
	}
	check("mount overlay", unix.Mount("overlay", m.root, "overlay", 0,
		"lowerdir=/,upperdir="+m.upper+",workdir="+filepath.Join(base, "work")))
	for _, dir := range []string{"proc", "sys", "dev"} {
		check("bind /"+dir, unix.Mount("/"+dir, filepath.Join(m.root, dir), "", unix.MS_BIND|unix.MS_REC, ""))
	}
	for _, dir := range []string{"run", "tmp"} {
		check("mount /"+dir, unix.Mount("tmpfs", filepath.Join(m.root, dir), "tmpfs", 0, "mode=1777"))
	}
	return m
}

// copy puts a file into /tmp of the machine, and returns its path there.
func (m *machine) copy(from string, mode fs.FileMode) string {
	m.t.Helper()
	to := "/tmp/" + filepath.Base(from)
	in, err := os.Open(from)
	if err != nil {
		m.t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(m.path(to), os.O_CREATE|os.O_WRONLY, mode)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		m.t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		m.t.Fatal(err)
	}
	return to
}

// path returns where a file of the machine is for the test.
func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

// has reports whether there is such a file.
func (m *machine) has(name string) bool {
	_, err := os.Lstat(m.path(name))
	return err == nil
}

// try runs a program on the machine.
func (m *machine) try(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Path = "/usr/bin/env" // which looks for it there
	cmd.Args = append([]string{"env", name}, args...)
	cmd.Err = nil
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/tmp/first:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "HOME=/tmp", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs a program that must not fail.
func (m *machine) run(name string, args ...string) string {
	m.t.Helper()
	out, err := m.try(name, args...)
	if err != nil {
		m.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// left returns what is not as on the machine itself, but for directories and logs of packaging.
func (m *machine) left() (list []string) {
	m.t.Helper()
	ignored := []string{"/var/lib/dpkg", "/var/log/dpkg.log", "/var/cache/man", "/var/lib/rpm", "/root", "/tmp", "/run"}
	err := filepath.WalkDir(m.upper, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, m.upper)
		if slices.Contains(ignored, name) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if before, err := os.Lstat(filepath.Join("/", name)); err == nil && before.IsDir() && entry.IsDir() {
			return nil
		}
		list = append(list, name)
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return list
}
