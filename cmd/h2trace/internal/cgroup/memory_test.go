package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
)

// TestMemoryLimit reads limits as the kernel writes them, below a directory in place of the mounts.
func TestMemoryLimit(t *testing.T) {
	const v1None = "hierarchical_memory_limit 9223372036854771712\n"
	for _, tt := range []struct {
		name, own string
		files     map[string]string
		want      uint64
		from      string
	}{
		{"none", "0::/a/b\n", map[string]string{"v2/a/b/memory.max": "max\n", "v2/a/memory.max": "max\n"}, 0, ""},
		{"own", "0::/a/b\n", map[string]string{"v2/a/b/memory.max": "67108864\n", "v2/a/memory.max": "max\n"}, 64 << 20, "v2/a/b/memory.max"},
		{"above", "0::/a/b\n", map[string]string{"v2/a/b/memory.max": "67108864\n", "v2/a/memory.max": "33554432\n"}, 32 << 20, "v2/a/memory.max"},
		{"root of a container", "0::/\n", map[string]string{"v2/memory.max": "67108864\n"}, 64 << 20, "v2/memory.max"},
		{"controller off", "0::/a/b\n", map[string]string{"v2/a/memory.max": "67108864\n"}, 64 << 20, "v2/a/memory.max"},
		{"zero", "0::/a\n", map[string]string{"v2/a/memory.max": "0\n"}, 0, "v2/a/memory.max"},
		{"no controller", "0::/a\n", nil, 0, ""},
		{"v1 none", "4:memory:/a\n0::/\n", map[string]string{"v1/a/memory.stat": "cache 1\n" + v1None}, 0, ""},
		{
			"v1 of those above", "4:memory:/a\n0::/\n",
			map[string]string{"v1/a/memory.stat": "cache 1\nhierarchical_memory_limit 67108864\nhierarchical_memsw_limit 1\n"},
			64 << 20, "v1/a/memory.limit_in_bytes",
		},
		{"v1 of a container", "4:cpu,memory:/docker/c/x\n", map[string]string{"own/x/memory.stat": "hierarchical_memory_limit 67108864\n"}, 64 << 20, "own/x/memory.limit_in_bytes"},
		{
			"both", "4:memory:/a\n0::/a\n",
			map[string]string{"v1/a/memory.stat": "hierarchical_memory_limit 67108864\n", "v2/a/memory.max": "33554432\n"},
			32 << 20, "v2/a/memory.max",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			list := []*mountinfo.Info{
				{FSType: "cgroup", VFSOptions: "rw,cpu", Root: "/", Mountpoint: dir + "/cpu"},
				{FSType: "cgroup", VFSOptions: "rw,memory", Root: "/docker/c", Mountpoint: dir + "/own"},
				{FSType: "cgroup", VFSOptions: "rw,memory", Root: "/", Mountpoint: dir + "/v1"},
			}
			unified := func(own string) (string, string) { return dir + "/v2", filepath.Join(dir, "v2", own) }
			got, from, ok := memoryLimit(tt.own, list, unified)
			if from = strings.TrimPrefix(from, dir+"/"); got != tt.want || from != tt.from || ok != (tt.from != "") {
				t.Errorf("got %d of %q, %v, want %d of %q", got, from, ok, tt.want, tt.from)
			}
		})
	}
	if limit, file := lowestMax("/sys/fs/cgroup", "/elsewhere"); file != "" {
		t.Errorf("got %d of %s, which is not below the root", limit, file)
	}
}
