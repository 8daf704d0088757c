package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"h2trace/bpf/mounts"
	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// Ids of containers, as runtimes make them.
var (
	containerA = strings.Repeat("0a1b2c3d", 8)
	containerB = strings.Repeat("f9e8d7c6", 8)
)

// pod is a cgroup for containers of one test.
type pod struct {
	t    testing.TB
	s    *site
	runc string
	path string // as /proc/PID/cgroup has it
	dir  string // in cgroup v2
}

func newPod(t testing.TB, s *site) *pod {
	t.Helper()
	root, err := mounts.Cgroup2()
	if err != nil {
		t.Skip(err.Error())
	}
	runc, enabled := needTool(t, "runc"), controllersIn(t, root)
	dir, err := os.MkdirTemp(root, "h2trace-test-")
	if err != nil {
		t.Fatal(err)
	}
	p := &pod{t: t, s: s, runc: runc, path: "/" + filepath.Base(dir), dir: dir}
	t.Cleanup(func() {
		// What runc leaves behind: the cgroups above its own, in each hierarchy, and the
		// controllers that these needed.
		for _, suffix := range podSuffixes {
			removeCgroups(t, filepath.Base(dir)+suffix)
		}
		disableControllers(t, root, enabled)
	})
	return p
}

// podSuffixes are those of the cgroups next to a pod.
var podSuffixes = []string{"", "-other", "-agent"}

// controllersIn returns the controllers that a cgroup of v2 enables for those below.
func controllersIn(t testing.TB, dir string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

// disableControllers disables those that a cgroup enables now and did not before. One that
// another cgroup below uses meanwhile stays.
func disableControllers(t testing.TB, dir string, before []string) {
	t.Helper()
	for _, controller := range controllersIn(t, dir) {
		if slices.Contains(before, controller) {
			continue
		}
		err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("-"+controller), 0)
		if err != nil && !errors.Is(err, syscall.EBUSY) {
			t.Error(err)
		}
	}
}

// TestDisableControllers has a cgroup enable another controller, which the test disables.
func TestDisableControllers(t *testing.T) {
	dir := t.TempDir() // the machine may have no controllers in cgroup v2
	file := filepath.Join(dir, "cgroup.subtree_control")
	if err := os.WriteFile(file, []byte("cpu memory pids\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	disableControllers(t, dir, []string{"cpu", "pids"})
	if b, err := os.ReadFile(file); err != nil || string(b) != "-memory" {
		t.Errorf("wrote %q, %v", b, err)
	}
}

// start has runc start a container with an id in a cgroup. It has no files but the programs
// /plain and /fetch, not met before, and the first prints its process id.
func (p *pod) start(id, cgroup string, args ...string) *program {
	p.t.Helper()
	bundle := p.t.TempDir()
	root := bundle + "/rootfs"
	if err := os.Mkdir(root, 0o755); err != nil {
		p.t.Fatal(err)
	}
	plain.copyTo(p.t, root+"/plain")
	fetch.copyTo(p.t, root+"/fetch")
	env := []string{"SSL_CERT_DIR=/none", "SSL_CERT_FILE=/authority"}
	for _, v := range p.s.env {
		if file, ok := strings.CutPrefix(v, "SSL_CERT_FILE="); ok {
			copyFile(p.t, file, root+"/authority")
		}
	}
	type object = map[string]any
	b, err := json.Marshal(object{ // the runtime specification of OCI
		"ociVersion": "1.0.2",
		"process":    object{"user": object{"uid": 0, "gid": 0}, "args": args, "env": env, "cwd": "/"},
		"root":       object{"path": "rootfs"},
		"mounts":     []object{{"destination": "/proc", "type": "proc", "source": "proc"}},
		"linux":      object{"cgroupsPath": cgroup, "namespaces": []object{{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}}},
	})
	if err == nil {
		err = os.WriteFile(bundle+"/config.json", b, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return startFile(p.t, p.runc, os.Environ(), "--root", bundle+"/state", "run", "--bundle", bundle, id)
}

// inPod is start below the cgroup of the pod.
func (p *pod) inPod(id string, args ...string) *program {
	p.t.Helper()
	return p.start(id, p.path+"/"+id, args...)
}

// TestContainer observes by name in containers that run and that start, and outside.
func TestContainer(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	p := newPod(t, s)
	early := p.inPod(containerA, "/fetch", "-", s.url+"/early")
	tr := startTracing(t, command{flags: []string{"-n", "fetch"}})
	tr.awaitEvent(`"action":"attached"`, 1)
	early.goOn()
	late := p.inPod(containerB, "/fetch", "-", s.url+"/late")
	outside := startFile(t, fetch.path(t), s.env, "-", s.url+"/outside")
	tr.awaitEvent(`"action":"attached"`, 3)
	late.goOn()
	outside.goOn()
	for _, p := range []*program{early, late, outside} {
		p.end()
	}
	tr.awaitEvent(`"action":"exit"`, 3)
	tr.signal(os.Interrupt)
	r := tr.good()
	for path, id := range map[string]string{"/early": containerA, "/late": containerB, "/outside": ""} {
		wantContainer(t, r.stream, path, id)
	}
}

// wantContainer requires that the process with a request is in a container, in all its events.
func wantContainer(t *testing.T, stream *contract.Stream, path, id string) {
	t.Helper()
	n := 0
	for _, e := range stream.Of("process") {
		if !slices.Contains(paths(stream, e.PID), path) {
			continue
		}
		n++
		var got struct{ Container *string }
		if err := json.Unmarshal([]byte(e.Raw), &got); err != nil {
			t.Fatal(err)
		}
		if id == "" && strings.Contains(e.Raw, `"container"`) || id != "" && (got.Container == nil || *got.Container != id) {
			t.Errorf("%s, want container %q: %s", path, id, e.Raw)
		}
	}
	if n < 2 {
		t.Errorf("%d events of the process with %s", n, path)
	}
}

// TestCgroup observes what runs in a cgroup, and below: containers that run, and that start, with
// all that they run; and what has a name.
func TestCgroup(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	for _, form := range []string{"as a path", "as /proc prints it"} {
		t.Run(form, func(t *testing.T) {
			p := newPod(t, s)
			path := p.path
			if form == "as a path" {
				path = p.dir
			}
			named := filepath.Join(t.TempDir(), "named-client")
			fetch.copyTo(t, named)
			early := p.inPod(containerA, "/fetch", "-", s.url+"/early")
			tr := startTracing(t, command{flags: []string{"--cgroup", path, "-n", "named-client"}})
			tr.awaitEvent(`"action":"attached"`, 1)
			early.goOn()
			late := p.inPod(containerB, "/plain", "/fetch", "-", s.url+"/late")
			byName := startFile(t, named, s.env, "-", s.url+"/named")
			tr.awaitEvent(`"comm":"fetch","action":"attached"`, 2)
			tr.awaitEvent(`"comm":"named-client","action":"attached"`, 1)
			late.goOn()
			byName.goOn()
			elsewhere := p.start(containerB+"x", p.path+"-other/"+containerB, "/fetch", "-", s.url+"/elsewhere")
			elsewhere.goOn()
			for _, p := range []*program{early, late, byName, elsewhere} {
				p.end()
			}
			tr.awaitEvent(`"action":"exit"`, 4) // with /plain
			tr.signal(os.Interrupt)
			r := tr.good()
			wantPaths(t, r.stream, []string{"/early", "/late", "/named"}, "/early", "/late", "/named")
			for path, id := range map[string]string{"/early": containerA, "/late": containerB, "/named": ""} {
				wantContainer(t, r.stream, path, id)
			}
			for _, c := range r.stream.Conns() {
				if c.Open == nil || c.Open.Joined != "start" {
					t.Errorf("joined late: %s", c.Frames[0].Raw)
				}
			}
		})
	}
}

// TestCgroupEnds removes the cgroup, when its last process has ended.
func TestCgroupEnds(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	p := newPod(t, s)
	tr := startTracing(t, command{flags: []string{"--cgroup", p.dir}})
	await(t, "h2trace to observe", func() bool { return strings.Contains(tr.stderr(), "observing what runs in cgroup "+p.dir) })
	last := startFile(t, "/bin/sh", s.env, "-c", `echo $$ >`+p.dir+`/cgroup.procs; exec "$@"`, "sh", fetch.path(t), "-", s.url+"/last")
	tr.awaitEvent(`"action":"attached"`, 1)
	last.goOn()
	last.end()
	if err := os.Remove(p.dir); err != nil {
		t.Fatal(err)
	}
	r := tr.good()
	wantPaths(t, r.stream, []string{"/last"}, "/last")
	if !strings.Contains(r.stderr, "all targets have exited") {
		t.Errorf("messages:\n%s", indent(r.stderr))
	}
}

// TestCgroupNamespace runs h2trace in a cgroup namespace, as in a container, and observes what
// runs in a cgroup outside of it, by its path there.
func TestCgroupNamespace(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	p := newPod(t, s)
	own, observed := filepath.Join(p.dir, "agent"), filepath.Join(p.dir, "docker-"+containerA+".scope")
	for _, dir := range []string{own, observed} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tr := startTracing(t, command{wrap: []string{
		"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec unshare --cgroup "$@"`, own,
		bin(t, "h2trace"), "--source", source(), "--cgroup", "/../" + filepath.Base(observed),
	}})
	await(t, "h2trace to observe", func() bool { return strings.Contains(tr.stderr(), "observing what runs in cgroup "+observed) })
	new := filepath.Join(t.TempDir(), "new")
	fetch.copyTo(t, new)
	target := startFile(t, "/bin/sh", s.env, "-c", `echo $$ >"$0/cgroup.procs"; exec "$@"`, observed, new, "-", s.url+"/other")
	tr.awaitEvent(`"action":"attached"`, 1)
	target.goOn()
	target.end()
	tr.awaitEvent(`"action":"exit"`, 1)
	tr.signal(os.Interrupt)
	r := tr.good()
	wantPaths(t, r.stream, []string{"/other"}, "/other")
	wantContainer(t, r.stream, "/other", containerA)
	for _, c := range r.stream.Conns() {
		if c.Open == nil || c.Open.Joined != "start" {
			t.Errorf("joined late: %s", c.Frames[0].Raw)
		}
	}
}

func TestCgroupRefused(t *testing.T) {
	needProbes(t)
	p := newPod(t, nil)
	tests := []struct {
		name, path string
		status     int
		words      []string
	}{
		{"none", p.path + "/none", 1, []string{"there is no cgroup " + p.path + "/none", filepath.Dir(p.dir)}},
		{"outside", "../../etc", 1, []string{"there is no cgroup"}},
		{"a file of one", p.dir + "/cgroup.procs", 1, []string{"name its directory"}},
		{"no path", "", 2, []string{"the path of a cgroup"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			invoke(t, invocation{args: []string{"--cgroup", tt.path}}).wantRefusal(t, tt.status, tt.words...)
		})
	}
	invoke(t, invocation{args: []string{"--cgroup", p.dir, "true"}}).wantRefusal(t, 2, "--cgroup and COMMAND")
}
