package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// buildImage builds what the Containerfile builds, into a root directory.
func buildImage(t testing.TB, root string) {
	t.Helper()
	b, err := os.ReadFile(repository + "/scripts/release/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^RUN (.*) -o /h2trace (.*)$`).FindStringSubmatch(string(b))
	if command == nil {
		t.Fatal("the Containerfile does not build h2trace")
	}
	// With -trimpath, nothing that other tests have built could be used.
	build := strings.Replace(command[1], " -trimpath", "", 1) + " -o " + root + "/h2trace " + command[2]
	cmd := exec.Command("sh", "-c", build)
	cmd.Dir = repository
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// manifestValue returns a list in brackets, or the value of a key, of the manifest for Kubernetes.
func manifestValue(t testing.TB, key string) string {
	t.Helper()
	b, err := os.ReadFile(repository + "/scripts/release/h2trace-daemonset.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ *` + key + `: \[?([^]\n#]*)`).FindSubmatch(b)
	if found == nil {
		t.Fatalf("the manifest has no %s", key)
	}
	return strings.TrimSpace(string(found[1]))
}

// TestInContainer runs the image with the rights of the manifest, in a container that shares
// nothing with the host but process ids and the view of its cgroups. It observes another
// container.
func TestInContainer(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	p := newPod(t, s)
	bundle := t.TempDir()
	root := bundle + "/rootfs"
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	buildImage(t, root)
	var capabilities []string
	for _, name := range strings.Split(manifestValue(t, "add"), ", ") {
		capabilities = append(capabilities, "CAP_"+name)
	}
	if manifestValue(t, "hostPID") != "true" || manifestValue(t, "readOnlyRootFilesystem") != "true" ||
		manifestValue(t, "allowPrivilegeEscalation") != "false" {
		t.Fatal("the manifest says something else")
	}
	type object = map[string]any
	config, err := json.Marshal(object{
		"ociVersion": "1.0.2",
		"process": object{
			"user": object{"uid": 0, "gid": 0}, "cwd": "/",
			"args":         []string{"/h2trace", "--source", source(), "--cgroup", p.path},
			"capabilities": object{"bounding": capabilities, "effective": capabilities, "permitted": capabilities},
			// As Kubernetes has it where allowPrivilegeEscalation is false.
			"noNewPrivileges": true,
			"rlimits":         []object{{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096}},
		},
		"root": object{"path": "rootfs", "readonly": true},
		"mounts": []object{
			{"destination": "/proc", "type": "proc", "source": "proc"},
			{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": []string{"nosuid", "noexec", "nodev", "ro"}},
			{"destination": "/sys/fs/cgroup", "type": "bind", "source": "/sys/fs/cgroup", "options": []string{"rbind", "ro"}},
		},
		"linux": object{
			"cgroupsPath": p.path + "-agent/" + containerB,
			"namespaces":  []object{{"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}, {"type": "cgroup"}},
			"maskedPaths": []string{"/proc/kcore", "/proc/keys", "/sys/firmware"}, "readonlyPaths": []string{"/proc/sys", "/proc/bus"},
		},
	})
	if err == nil {
		err = os.WriteFile(bundle+"/config.json", config, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	tr := startTracing(t, command{wrap: []string{p.runc, "--root", bundle + "/state", "run", "--bundle", bundle, "agent"}})
	await(t, "h2trace to observe", func() bool { return strings.Contains(tr.stderr(), "observing what runs in cgroup") })
	target := p.inPod(containerA, "/fetch", "-", s.url+"/other")
	tr.awaitEvent(`"action":"attached"`, 1)
	target.goOn()
	target.end()
	tr.awaitEvent(`"action":"exit"`, 1)
	tr.signal(syscall.SIGTERM) // runc passes it on
	r := tr.good()
	wantPaths(t, r.stream, []string{"/other"}, "/other")
	wantContainer(t, r.stream, "/other", containerA)
	for _, c := range r.stream.Conns() {
		if c.Open == nil || c.Open.Joined != "start" {
			t.Errorf("joined late: %s", c.Frames[0].Raw)
		}
	}
	if regexp.MustCompile(`(?i)permi|denied|not held|taken from calls`).MatchString(r.stderr) {
		t.Errorf("messages:\n%s", indent(r.stderr))
	}
}
