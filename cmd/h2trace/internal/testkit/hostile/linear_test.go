//go:build linux

package hostile_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/hostile"
)

const (
	// mostGrowth is what an attack of four times the size may cost: four times as much, and what
	// logarithms add, and what is done only once some table is full. Where each frame looks at
	// all before it, it is sixteen times.
	mostGrowth = 7
	// leastSteps and leastBytes leave out what each connection costs.
	leastSteps = 100_000
	leastBytes = 1 << 20
	// mostKept is what the engine may keep of one attack.
	mostKept = 48 << 20
)

// counted are the packages whose steps count. The command is one of them because runtime/coverage
// wants that.
var counted = []string{
	"h2trace/decoder/...", "h2trace/export", "h2trace/cmd/h2trace/internal/trace/...", "h2trace/cmd/h2trace/internal/flows",
	"h2trace/cmd/h2trace/internal/testkit/hostile/count", "golang.org/x/net/http2/hpack", "golang.org/x/net/dns/dnsmessage",
}

// TestLinear has the engine read each attack in two sizes. Four times as much costs no more than
// that: in steps, which are the blocks of statements that ran, and in bytes of memory. No time is
// measured, so that no other program can make it fail.
func TestLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the engine again, with counters: not with -short")
	}
	binary := filepath.Join(t.TempDir(), "count")
	build := exec.Command("go", "build", "-cover", "-covermode=atomic",
		"-coverpkg="+strings.Join(counted, ","), "-o", binary, "./count")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	count := exec.Command(binary)
	count.Env = append(count.Environ(), "GOCOVERDIR="+t.TempDir())
	var said bytes.Buffer
	count.Stderr = &said
	out, err := count.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	costs := 0
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); costs++ {
		var c hostile.Cost
		if err := d.Decode(&c); err != nil {
			t.Fatal(err)
		}
		few, many := &c.Of[0], &c.Of[1]
		t.Logf("%s: %d steps for %d bytes, %d for %d; %d kB allocated, %d; %d kB kept, %d", c.Name,
			few.Steps, few.Bytes, many.Steps, many.Bytes, few.Allocated>>10, many.Allocated>>10, few.Kept>>10, many.Kept>>10)
		if many.Steps > mostGrowth*max(few.Steps, leastSteps) {
			t.Errorf("%s: %d steps, and %d for four times as much", c.Name, few.Steps, many.Steps)
		}
		if many.Allocated > mostGrowth*max(few.Allocated, leastBytes) {
			t.Errorf("%s: %d bytes allocated, and %d for four times as much", c.Name, few.Allocated, many.Allocated)
		}
		if many.Kept > mostKept {
			t.Errorf("%s: %d bytes are kept", c.Name, many.Kept)
		}
	}
	if want := 3*len(hostile.Conversations) + 1 + len(hostile.Floods); costs != want {
		t.Errorf("%d attacks, want %d", costs, want)
	}
}
