package cgroup

import (
	"strings"
	"testing"
)

// Ids of containers, shortened in the tables by these letters.
var (
	a = strings.Repeat("0a1b2c3d", 8)
	b = strings.Repeat("f9e8d7c6", 8)
)

// asIs has all paths as the initial cgroup namespace has them.
func asIs(_, path string) (string, bool) { return path, true }

// TestContainer reads files as runtimes leave them behind.
func TestContainer(t *testing.T) {
	tests := []struct {
		name, file string
		want       string
	}{
		{"Docker, systemd, cgroup v2", "0::/system.slice/docker-A.scope\n", a},
		{"Docker, cgroupfs, cgroup v2", "0::/docker/A\n", a},
		{"Docker, cgroup v1", "12:pids:/docker/A\n11:hugetlb:/docker/A\n1:name=systemd:/docker/A\n0::/system.slice/containerd.service\n", a},
		{"Docker, below its own systemd", "0::/system.slice/docker-A.scope/init.scope\n", a},
		{"Docker in Docker: the inner one", "0::/docker/A/docker/B\n", b},
		{"buildkit in a container", "0::/docker/A/buildkit/xq8rmb7cyt0ok5zhtwtfsqx2c\n", a},
		{
			"Kubernetes, containerd, systemd",
			"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1c9ee0a1_8a0b_4b5e_9f39_5a7c1f9bd2a4.slice/cri-containerd-A.scope\n", a,
		},
		{"Kubernetes, containerd, cgroupfs", "0::/kubepods/burstable/pod1c9ee0a1-8a0b-4b5e-9f39-5a7c1f9bd2a4/A\n", a},
		{
			"Kubernetes, containerd, names of systemd without it",
			"0::/system.slice/containerd.service/kubepods-besteffort-pod1c9ee0a1_8a0b_4b5e_9f39_5a7c1f9bd2a4.slice:cri-containerd:A\n", a,
		},
		{"Kubernetes, CRI-O", "0::/kubepods.slice/kubepods-pod1c9ee0a1_8a0b_4b5e_9f39_5a7c1f9bd2a4.slice/crio-A.scope/container\n", a},
		{"Kubernetes, Docker, cgroup v1", "4:memory:/kubepods/besteffort/pod1c9ee0a1-8a0b-4b5e-9f39-5a7c1f9bd2a4/A\n", a},
		{
			"kind: a node that is a container",
			"0::/docker/A/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1c9ee0a1_8a0b_4b5e_9f39_5a7c1f9bd2a4.slice/cri-containerd-B.scope\n", b,
		},
		{"CRI-O, what watches over it", "0::/system.slice/crio-conmon-A.scope\n", ""},
		{"Podman", "0::/machine.slice/libpod-A.scope/container\n", a},
		{"Podman, without root", "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-A.scope\n", a},
		{"Podman, as a service of systemd", "0::/system.slice/web.service/libpod-payload-A\n", a},
		{"Podman, cgroupfs", "0::/libpod_parent/libpod-A\n", a},
		{"Podman, what watches over it", "0::/machine.slice/libpod-conmon-A.scope\n", ""},
		{"Amazon ECS", "9:perf_event:/ecs/test/1c9ee0a18a0b4b5e9f395a7c1f9bd2a4/A\n", a},
		{"another container, from within one", "0::/../cri-containerd-A.scope\n", a},
		{"within one, with a cgroup namespace", "0::/\n", ""},
		{"a cgroup that is removed", "0::/system.slice/docker-A.scope (deleted)\n", a},
		{"both hierarchies: v2 counts", "3:cpu:/docker/B\n0::/docker/A\n", a},

		{"a session", "0::/user.slice/user-1000.slice/session-2.scope\n", ""},
		{"a service", "0::/system.slice/ssh.service\n", ""},
		{"the root", "0::/\n", ""},
		{"one digit less", "0::/docker/" + a[1:] + "\n", ""},
		{"one digit more", "0::/docker/0" + a + "\n", ""},
		{"capitals", "0::/docker/" + strings.ToUpper(a) + "\n", ""},
		{"a file without lines", "", ""},
		{"a file of something else", "A\n:A\nA:\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse(strings.NewReader(ids.Replace(tt.file)), asIs)
			if err != nil || got.Container != tt.want {
				t.Errorf("got %q, %v, want %q", got.Container, err, tt.want)
			}
		})
	}
}

// ids puts ids in the place of A and B that stand for one.
var ids = strings.NewReplacer("/A", "/"+a, "-A", "-"+a, ":A", ":"+a, "/B", "/"+b, "-B", "-"+b)

// TestMembership says whether the hierarchy of cgroup v2 alone decides.
func TestMembership(t *testing.T) {
	tests := []struct {
		name, file, unified string
		alone               bool
	}{
		{"cgroup v2", "0::/system.slice/docker-A.scope\n", "/system.slice/docker-A.scope", true},
		{"both, the same", "2:cpu:/docker/A\n0::/docker/A\n", "/docker/A", true},
		{"both, without a container", "2:cpu:/\n0::/user.slice\n", "/user.slice", true},
		{"both, v1 decides", "2:cpu:/docker/A\n0::/\n", "/", false},
		{"cgroup v1", "2:cpu:/docker/A\n", "", false},
		{"a colon in the path", "0::/a:b\n", "/a:b", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse(strings.NewReader(ids.Replace(tt.file)), asIs)
			if want := ids.Replace(tt.unified); err != nil || got.Unified != want || got.Alone != tt.alone {
				t.Errorf("got %+v, %v, want %q, %v", got, err, want, tt.alone)
			}
		})
	}
}

// FuzzContainer holds what is read to what a container id is.
func FuzzContainer(f *testing.F) {
	f.Add("0::/system.slice/docker-" + a + ".scope\n")
	f.Add("12:pids:/docker/" + a + "\n0::/docker/" + b + "/x\n")
	f.Add("0::" + strings.Repeat("/"+a, 3))
	f.Fuzz(func(t *testing.T, file string) {
		m, err := parse(strings.NewReader(file), asIs)
		if err != nil {
			return
		}
		if m.Container != "" && (len(m.Container) != idLength || !strings.Contains(file, m.Container)) {
			t.Errorf("container %q of %q", m.Container, file)
		}
	})
}
