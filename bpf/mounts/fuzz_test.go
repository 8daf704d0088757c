package mounts

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

// escape writes a path as the kernel does (seq_path, fs/proc_namespace.c: mangle).
var escape = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, "#", `\043`)

// FuzzMountinfo has arbitrary paths and options, which mount(2) takes, and arbitrary bytes.
func FuzzMountinfo(f *testing.F) {
	f.Add("/mnt/with blank\\", "rw,lowerdir=/a - b:/c", []byte("22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"))
	f.Add("/a\nb\t#", "rw", []byte("22 1 254:0 / / rw - \n\n"))
	f.Add("/l", strings.Repeat("/layer:", bufio.MaxScanTokenSize/7), []byte("x"))
	f.Fuzz(func(t *testing.T, point, options string, b []byte) {
		if list, err := parse(b); err == nil && len(list) > strings.Count(string(b), "\n")+1 {
			t.Errorf("%d mounts in %q", len(list), b)
		}
		if point == "" || len(point) > 4096 || strings.Contains(point+options, "\x00") { // PATH_MAX
			return
		}
		line := fmt.Sprintf("22 1 0:42 / %s rw shared:1 master:2 - overlay overlay %s\n", escape.Replace(point), escape.Replace(options))
		list, err := parse([]byte(line + "23 1 0:43 / /last rw - tmpfs none rw\n"))
		if err != nil || len(list) != 2 {
			t.Fatalf("%q: %d mounts, %v", line, len(list), err)
		}
		if got := list[0]; got.Mountpoint != point || got.FSType != "overlay" || list[1].Mountpoint != "/last" {
			t.Errorf("%q: got %q of type %q, then %q", line, got.Mountpoint, got.FSType, list[1].Mountpoint)
		}
	})
}

// FuzzCgroup has arbitrary names of cgroups, which mkdir(2) takes.
func FuzzCgroup(f *testing.F) {
	f.Add("", "/system.slice/a:b.service", "0::/ (deleted)")
	f.Add("cpu,cpuacct", "/", "::")
	f.Add("name=systemd", "/../x", "1:")
	f.Fuzz(func(t *testing.T, controllers, dir, line string) {
		if c, d, ok := ParseCgroup(line); ok != (strings.Count(line, ":") >= 2) || len(c)+len(d) > len(line) {
			t.Errorf("%q: got %q, %q, %v", line, c, d, ok)
		}
		if strings.Contains(controllers, ":") || strings.Contains(dir, "\n") {
			return
		}
		for _, end := range []string{"", "\n", " (deleted)", " (deleted)\n"} {
			c, d, ok := ParseCgroup("12:" + controllers + ":" + dir + end)
			if want := strings.TrimSuffix(strings.TrimSuffix(dir+end, "\n"), " (deleted)"); !ok || c != controllers || d != want {
				t.Errorf("got %q, %q, %v, want %q, %q", c, d, ok, controllers, want)
			}
		}
	})
}
