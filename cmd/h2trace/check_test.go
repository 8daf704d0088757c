//go:build linux

package main

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCheckPage demands that a hint is on the page once, whether it comes as a
// hint or within an error.
func TestCheckPage(t *testing.T) {
	const hint = "run as root; see capabilities(7)"
	var p checkPage
	p.ok("kernel", "Linux 6.18")
	p.no("CAP_BPF", errors.New("not held"), hint)
	p.no("CAP_PERFMON", errors.New("not held"), hint)
	p.no("load", errors.New("not permitted; "+hint), hint)
	p.no("packets", errors.New("not permitted; "+hint), "needs cgroup v2")
	p.no("process 7", errors.New("process 7 does not exist"), "")
	p.ok("gate", "")
	want := "ok  kernel: Linux 6.18\n" +
		"no  CAP_BPF: not held\n    " + hint + "\n" +
		"no  CAP_PERFMON: not held\n" +
		"no  load: not permitted\n" +
		"no  packets: not permitted\n    needs cgroup v2\n" +
		"no  process 7 does not exist\n" +
		"ok  gate\n"
	if diff := cmp.Diff(want, p.b.String()); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}
