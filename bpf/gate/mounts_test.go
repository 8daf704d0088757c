package gate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMounts(t *testing.T) {
	const info = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:40 / /mnt/with\040blank\134 rw master:3 propagate_from:2 - overlay overlay rw,lowerdir=/a - b:/c
25 22 0:41 / /odd\0x rw - tmpfs none rw
`
	want := []mount{{"/", "ext4"}, {"/proc", "proc"}, {`/mnt/with blank\`, "overlay"}, {`/odd\0x`, "tmpfs"}}
	got, err := parseMounts(strings.NewReader(info))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mount{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, damaged := range []string{"22 1 254:0 / / rw shared:1\n", "22 1 - ext4\n", "22 1 254:0 / / rw - \n"} {
		if got, err := parseMounts(strings.NewReader(damaged)); err == nil {
			t.Errorf("%q: got %v", damaged, got)
		}
	}
}
