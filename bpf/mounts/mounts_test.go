package mounts

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	type mount struct{ point, fstype string }
	info := `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:40 / /mnt/with\040blank\134 rw master:3 propagate_from:2 - overlay overlay rw,lowerdir=/a - b:/c
25 22 0:41 / /odd\0x rw - tmpfs none rw
26 22 0:42 / /layers rw - overlay overlay rw,lowerdir=` + strings.Repeat("/layer:", 20_000) + `
27 22 0:43 / /last rw - tmpfs  rw
`
	want := []mount{
		{"/", "ext4"}, {"/proc", "proc"}, {`/mnt/with blank\`, "overlay"}, {`/odd\0x`, "tmpfs"}, {"/layers", "overlay"}, {"/last", "tmpfs"},
	}
	list, err := parse([]byte(info))
	if err != nil {
		t.Fatal(err)
	}
	var got []mount
	for _, m := range list {
		got = append(got, mount{m.Mountpoint, m.FSType})
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mount{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, damaged := range []string{"22 1 254:0 / / rw shared:1\n", "22 1 - ext4\n", "22 1 254:0 / / rw - \n"} {
		if got, err := parse([]byte(damaged)); err == nil {
			t.Errorf("%q: got %v", damaged, got)
		}
	}
}

// TestOf compares the list with the lines of the kernel.
func TestOf(t *testing.T) {
	list, err := Of("self")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(list), strings.Count(string(b), "\n"); got != want {
		t.Errorf("%d mounts, the kernel lists %d", got, want)
	}
}
