package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// TestCover holds a file on a file system that only its target sees.
func TestCover(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	script := fmt.Sprintf("mount -t tmpfs none %[1]s && cp %[2]s %[1]s/fresh && echo $$ && read -r go && %[1]s/fresh %[3]s/inside",
		dir, fetch.path(t), s.url)
	inside := startFile(t, "/usr/bin/unshare", s.env, "-m", "sh", "-c", script)
	other := startProgram(t, fetch, "-") // -p accepts only an observable process
	tr := startTracing(t, command{flags: []string{"-p", join(inside.pid, other.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	// The gatekeeper sets the marks in the background: this waits for them.
	await(t, "the mark", func() bool { return marked(t, gatekeeperOf(tr.cmd.Process.Pid), inside.pid, dir) })
	inside.goOn()
	inside.end()
	tr.signal(os.Interrupt)
	wantWhole(t, tr.good(), map[string]bool{"/inside": true})
}

// TestInChroot runs h2trace in a directory that is no mount point, whose file system
// its mountinfo does not list.
func TestInChroot(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	root := t.TempDir()
	for _, dir := range []string{"proc", "sys", "dev", "tmp"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyFile(t, bin(t, "h2trace"), root+"/h2trace")
	libraries, _ := exec.Command("ldd", root+"/h2trace").Output() // none of a static program
	for _, file := range regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1) {
		if err := os.MkdirAll(filepath.Dir(root+file), 0o755); err != nil {
			t.Fatal(err)
		}
		copyFile(t, file, root+file)
	}
	plain.copyTo(t, root+"/plain")
	fetch.copyTo(t, root+"/fresh")
	for _, v := range s.env {
		if file, ok := strings.CutPrefix(v, "SSL_CERT_FILE="); ok {
			copyFile(t, file, root+"/authority")
		}
	}
	const script = `for dir in proc sys dev; do mount --rbind /$dir "$0/$dir"; done; exec chroot "$0" "$@"`
	inside := func(args ...string) (string, error) {
		cmd := exec.Command("unshare", append([]string{"-m", "sh", "-c", script, root, "/h2trace"}, args...)...)
		cmd.Env = append(s.env, "SSL_CERT_FILE=/authority", "SSL_CERT_DIR=/none")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := inside("-o", "/events", "/plain", "/fresh", s.url+"/chroot"); err != nil {
		t.Fatalf("%v\n%s", err, indent(out))
	}
	f, err := os.Open(root + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stream, err := contract.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	wantWhole(t, &result{stream: stream}, map[string]bool{"/chroot": true})
	if out, err := inside("check"); err != nil || !strings.Contains(out, "ok  hold executables") {
		t.Errorf("check: %v\n%s", err, indent(out))
	}
}

// marked reports whether the gatekeeper has a mark on the file system that a process
// sees at a path.
func marked(t *testing.T, gatekeeper, pid int, path string) bool {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d/root%s", pid, path), &st); err != nil {
		t.Fatal(err)
	}
	infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", gatekeeper))
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		// The kernel prints its own encoding of the device number: major << 20 | minor.
		sdev := fmt.Sprintf("fanotify sdev:%x ", unix.Major(st.Dev)<<20|unix.Minor(st.Dev))
		if lines(info, sdev) > 0 {
			return true
		}
	}
	return false
}

// TestOverlay executes through overlayfs, where the kernel reports the file and the
// one in the layer: the probes are attached once, or every byte would be seen twice.
func TestOverlay(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	overlay := func(t *testing.T) (dir, options string) {
		dir = t.TempDir()
		for _, name := range []string{"lower", "upper", "work", "merged"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		fetch.copyTo(t, filepath.Join(dir, "lower", "fresh"))
		return dir, fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
	}
	t.Run("mounted before", func(t *testing.T) {
		dir, options := overlay(t)
		mount(t, options, dir+"/merged")
		sh := startGateShell(t, s, nil)
		sh.ready()
		sh.run(dir + "/merged/fresh " + s.url + "/overlay >/dev/null")
		sh.run(dir + "/lower/fresh " + s.url + "/lower >/dev/null")
		wantWhole(t, sh.good(), map[string]bool{"/overlay": true, "/lower": true})
	})
	t.Run("mounted in a namespace later", func(t *testing.T) {
		dir, options := overlay(t)
		sh := startGateShell(t, s, nil)
		sh.ready()
		sh.run(fmt.Sprintf("unshare -m sh -c 'mount -t overlay overlay -o %s %s/merged && %[2]s/merged/fresh %s/overlay >/dev/null'",
			options, dir, s.url))
		wantWhole(t, sh.good(), map[string]bool{"/overlay": true})
	})
}

// mount mounts an overlay for one test, which is skipped where there is none.
func mount(t *testing.T, options, on string) {
	t.Helper()
	if err := unix.Mount("overlay", on, "overlay", 0, options); err != nil {
		t.Skipf("mount overlayfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(on, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}
